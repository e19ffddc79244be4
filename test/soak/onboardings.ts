import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection, WorkflowFailedError } from '@temporalio/client';
import { MedperfClient } from '../../client';
import type { Run } from '../../client';
import type { OnboardResult } from '../../contract';
import type { StackRecord } from '../../devstack/stack-record';
import { openProfiles, openRegistry } from '../../registry';
import type { AssociationRecord, CubeRecord, MedperfRegistry } from '../../registry';
import { FileStore } from '../../store/file-store';
import { slowModel } from '../faults/slow-model';
import type { MedperfStack } from '../medperf-stack';

const BENCHMARK = 1;
const LONGEST_INFERENCE_MS = 2000;
const RETRY_MS = 1000;
const CLIENTS_KILLED = 0.1;
const CLIENT_LIVES_MS = 5000;

/** Starts onboardings and the committee that approves them, against a stack whose parts come and go. */
export class Onboardings {
  static async open(stack: MedperfStack, random: () => number): Promise<Onboardings> {
    const { temporal } = await stack.readState<StackRecord>('dev-stack.json');
    const connection = await Connection.connect({ address: temporal.address });
    const profiles = openProfiles(join(stack.home, 'config'));
    const [owner, committee] = [await profiles.get('default'), await profiles.get('committee')];
    const store = new FileStore(join(stack.home, 'state', 'store'));
    const medperf = new MedperfClient({ client: new Client({ connection }), store, profile: owner });
    return new Onboardings(
      stack,
      random,
      connection,
      medperf,
      openRegistry(profiles, owner),
      openRegistry(profiles, committee),
    );
  }

  clientsKilled = 0;
  private over = false;
  private readonly approving: Promise<void>;

  private constructor(
    private readonly stack: MedperfStack,
    private readonly random: () => number,
    private readonly connection: Connection,
    private readonly medperf: MedperfClient,
    private readonly owner: MedperfRegistry,
    private readonly committee: MedperfRegistry,
  ) {
    this.approving = this.approveUntilOver();
  }

  /** Takes one model to its end; answers its workflow's id and what came of it. */
  async onboard(name: string): Promise<{ id: string; result: OnboardResult }> {
    const folder = join(this.stack.home, 'models', name);
    await slowModel(folder, name, Math.round(this.random() * LONGEST_INFERENCE_MS));
    if (this.random() < CLIENTS_KILLED) await this.startByDoomedClient(folder, name);
    const cube = await this.medperf.ingestCube(folder, name);
    const input = { cube, name, benchmark: BENCHMARK, confirmed: true, noReference: true } as const;
    const run = await untilReached(() => this.medperf.startOnboard(input));
    return { id: run.id, result: await untilReached(() => resultOf(run)) };
  }

  /** The command, killed at some moment of its own: what it has begun is found by whoever asks for the same again. */
  private async startByDoomedClient(folder: string, name: string): Promise<void> {
    const client = this.stack.spawn(['onboard', folder, '--name', name, '--benchmark', '1', '-y', '--no-reference']);
    await delay(this.random() * CLIENT_LIVES_MS);
    if (client.kill('SIGKILL')) this.clientsKilled++;
  }

  async records(): Promise<{ cubes: CubeRecord[]; associations: readonly AssociationRecord[] }> {
    const cubes: CubeRecord[] = [];
    for await (const cube of this.owner.cubes({ mine: true })) cubes.push(cube);
    return { cubes, associations: await this.owner.associations() };
  }

  async close(): Promise<void> {
    this.over = true;
    await this.approving;
    await Promise.all([this.owner.close(), this.committee.close(), this.connection.close()]);
  }

  private async approveUntilOver(): Promise<void> {
    while (!this.over) {
      const pending = await this.committee.associations().catch(() => []);
      for (const { modelUid } of pending.filter((row) => row.status === 'PENDING')) {
        await this.committee.decideAssociation(modelUid, BENCHMARK, 'APPROVED').catch(() => null);
      }
      await delay(RETRY_MS);
    }
  }
}

const resultOf = (run: Run<OnboardResult>): Promise<OnboardResult> => run.result();

/** Temporal is killed now and then; only the workflow's own end counts. */
async function untilReached<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof WorkflowFailedError) throw error;
      await delay(RETRY_MS);
    }
  }
}
