import { randomUUID } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure, defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import type { MedperfActivities } from '../activities';
import { CONTROL_QUEUE, SEARCH_ATTRIBUTES } from '../contract';
import type {
  AssociateInput,
  AssociationStanding,
  BenchmarkFacts,
  Progress,
  RequestResult,
  TestRunResult,
  WithdrawResult,
} from '../contract';
import type { EarlierTest } from '../workflows/associate-stage';

export const DIGEST = `sha256:${'a'.repeat(64)}` as const;
/** What was tested. */
export const SUBJECT = { benchmark: DIGEST, model: DIGEST };

/** A model that was tested as it was registered. */
const EARLIER: EarlierTest = {
  test: { candidate: { results: DIGEST }, tested: { tree: DIGEST, imageId: DIGEST } } as unknown as TestRunResult,
  registered: { kind: 'cube', uid: 4, name: 'model', adopted: false, tree: DIGEST, imageId: DIGEST },
  subject: { benchmark: DIGEST, model: null },
};

export const WITHDRAWN: WithdrawResult = { decision: null, over: '2026-01-01T00:00:00Z' };
export const MADE: RequestResult = { changedTo: null, carriesResults: true };

/** A registry that takes the request and whose committee does not decide; a test says what is otherwise. */
const UNDECIDED: Partial<MedperfActivities> = {
  'medperf.checkAssociation': () =>
    Promise.resolve<AssociationStanding>({
      modelName: 'model',
      benchmark: { uid: 1, name: 'chestxray' } as BenchmarkFacts,
      subject: SUBJECT,
      current: 'none',
      newest: null,
    }),
  'medperf.requestAssociation': () => Promise.resolve(MADE),
  'medperf.pollAssociation': () => Promise.reject(ApplicationFailure.retryable('none yet', 'Undecided')),
  'medperf.withdrawAssociation': () => Promise.resolve(WITHDRAWN),
  // The rest of a test is not scripted: one that is run here never ends.
  'medperf.resolveBenchmark': () => Promise.reject(ApplicationFailure.retryable('no answer', 'RegistryUnavailable')),
  'medperf.remind': () => Promise.resolve({ sent: true }),
};

/** The association's own workflow code on a real Temporal server, with activities that a test scripts. */
export class ScriptedAssociation {
  /** What the next activities do. */
  script: Partial<MedperfActivities> = {};

  private constructor(
    readonly temporal: TestWorkflowEnvironment,
    private readonly worker: Worker,
    private readonly ended: Promise<void>,
  ) {}

  static async start(): Promise<ScriptedAssociation> {
    Runtime.install({ logger: new DefaultLogger('ERROR') });
    const path = process.env['TEMPORAL_MEDPERF_TEMPORAL_CLI'] ?? 'temporal';
    const searchAttributes = Object.values(SEARCH_ATTRIBUTES).map((name) =>
      defineSearchAttributeKey(name, SearchAttributeType.KEYWORD),
    );
    const temporal = await TestWorkflowEnvironment.createLocal({
      server: { executable: { type: 'existing-path', path }, searchAttributes },
    });
    const scripted: { current?: ScriptedAssociation } = {};
    const worker = await Worker.create({
      connection: temporal.nativeConnection,
      taskQueue: CONTROL_QUEUE,
      workflowsPath: require.resolve('./tested-request-workflows'),
      activities: Object.fromEntries(
        (Object.keys(UNDECIDED) as (keyof MedperfActivities)[]).map((name) => [
          name,
          (input: never) => (scripted.current?.script[name] ?? UNDECIDED[name])?.(input),
        ]),
      ),
    });
    scripted.current = new ScriptedAssociation(temporal, worker, worker.run());
    return scripted.current;
  }

  async stop(): Promise<void> {
    this.worker.shutdown();
    await this.ended;
    await this.temporal.teardown();
  }

  /** Starts an association whose test was run already. */
  associate(options: Partial<AssociateInput> = {}): Promise<WorkflowHandle> {
    const input = { profile: 'default', benchmark: 1, modelUid: 4, confirmed: true, ...options };
    return this.temporal.client.workflow.start('associatesTested', {
      taskQueue: CONTROL_QUEUE,
      workflowId: `associates-${randomUUID()}`,
      args: [input, EARLIER],
    });
  }
}

export async function needsOf(handle: WorkflowHandle): Promise<Progress['needs']> {
  return (await handle.query<Progress>('progress')).needs;
}
