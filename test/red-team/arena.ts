import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { PassThrough } from 'node:stream';
import { promisify } from 'node:util';
import Docker from 'dockerode';
import { z } from 'zod';
import { actionKey } from '../../activities/action-key';
import { planAction } from '../../activities/plan-action';
import type { ActionResult, Digest } from '../../contract';
import { containerName } from '../../engine/container-name';
import { DockerEngine } from '../../engine/docker-engine';
import type { RunLimits, RunRequest } from '../../engine/engine';
import { FileStore } from '../../store/file-store';
import { ensureNodeImage } from '../node-image';
import { systemCallProgram } from './system-call-program';
import { expectNoTrace } from './traces';

const MIB = 1024 * 1024;
const LOG_BYTES_READ = 2 * MIB;
const ATTACKS_AT_ONCE = 3;
const LABEL = 'org.temporal-medperf.red-team';

export const TIGHT: RunLimits = {
  memoryBytes: 128 * MIB,
  cpus: 1,
  pids: 64,
  wallClockMs: 60_000,
  idleMs: 60_000,
  outputBytes: 16 * MIB,
  outputFiles: 64,
  logBytes: MIB,
  tmpBytes: 8 * MIB,
  shmBytes: 4 * MIB,
};

const attemptLine = z.strictObject({
  name: z.string(),
  did: z.string().optional(),
  refused: z.string().optional(),
  after: z.number().optional(),
});

/** What an attacker wrote down of one attempt: what it got, or the error that it met. */
export type Attempt = z.infer<typeof attemptLine>;

/** One attack from the outside. */
export interface Outcome {
  readonly attempts: ReadonlyMap<string, Attempt>;
  readonly result: ActionResult | null;
  readonly error: unknown;
  /** The start of standard output as the container wrote it. */
  readonly log: string;
  /** The lines that people saw while it ran. */
  readonly shown: readonly string[];
  readonly tookMs: number;
}

/** Names of the attempts that got what they wanted. */
export function succeeded({ attempts }: Outcome): string[] {
  return [...attempts.values()].filter(({ did }) => did !== undefined).map(({ name }) => name);
}

export interface AttackOptions {
  readonly limits?: Partial<RunLimits>;
  readonly imageId?: Digest;
}

/** A store, an engine with the operator's limits, and a secret on the host that no attacker may see. */
export class Arena {
  static async open(): Promise<Arena> {
    // Open to everybody, so that only the sandbox keeps attackers out.
    const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'medperf-red-team-'));
    await fs.chmod(folder, 0o777);
    const docker = new Docker();
    const image = await ensureNodeImage(docker);
    const secret = `canary-${randomBytes(12).toString('hex')}`;
    await fs.writeFile(path.join(folder, 'secret'), secret, { mode: 0o666 });
    await fs.chmod(path.join(folder, 'secret'), 0o666);
    process.env['MEDPERF_RED_TEAM_CANARY'] = secret;
    const store = new FileStore(path.join(folder, 'store'));
    const work = path.join(folder, 'work');
    const engine = await DockerEngine.connect({ docker, store, workDirectory: work, gpus: [] });
    return new Arena(docker, store, engine, image.id, folder, secret);
  }

  private runs = 0;

  private constructor(
    readonly docker: Docker,
    readonly store: FileStore,
    private readonly engine: DockerEngine,
    readonly imageId: Digest,
    readonly folder: string,
    readonly secret: string,
  ) {}

  get secretFile(): string {
    return path.join(this.folder, 'secret');
  }

  get workDirectory(): string {
    return path.join(this.folder, 'work');
  }

  /** Runs an attack and makes sure that nothing of it is left and that honest models beside it do not suffer. */
  async attack(cube: string, facts: object = {}, options: AttackOptions = {}): Promise<Outcome> {
    const [outcome] = await this.attackEach(cube, [{ facts, ...options }]);
    return outcome!;
  }

  /** As {@link attack}, for variants of an attack that run a few at a time. */
  async attackEach(cube: string, variants: readonly (AttackOptions & { facts: object })[]): Promise<Outcome[]> {
    const folder = path.join(__dirname, 'cubes', cube);
    const outcomes: Outcome[] = [];
    const waiting = [...variants.entries()];
    let attacking = true;
    const attackers = Array.from({ length: ATTACKS_AT_ONCE }, async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const [at, { facts, ...options }] = next;
        const told = { secretFile: this.secretFile, workDirectory: this.workDirectory, ...facts };
        outcomes[at] = await this.run(await this.request(folder, told, options));
      }
    });
    const honest = async (): Promise<void> => {
      do await this.runHonestModel();
      while (attacking);
    };
    const ended = Promise.allSettled(attackers).finally(() => (attacking = false));
    const [attacks, models] = await Promise.all([ended, Promise.allSettled([honest()])]);
    for (const end of [...attacks, ...models]) if (end.status === 'rejected') throw end.reason;
    expect(await fs.readFile(this.secretFile, 'utf8')).toBe(this.secret);
    for (const { attempts } of outcomes) expect(attempts.size).toBeGreaterThan(0);
    return outcomes;
  }

  /** The request that the engine would get, for whoever runs the cube in another way. */
  async request(folder: string, facts: object, { limits = {}, imageId }: AttackOptions = {}): Promise<RunRequest> {
    const { action } = await planAction(this.store, {
      cube: { ...CUBE, tree: await this.cubeTree(folder) },
      imageId: imageId ?? this.imageId,
      task: 'infer',
      inputs: { data_path: await this.factsTree(facts) },
    });
    return {
      key: actionKey(action),
      action,
      owner: `${this.folder}:${(this.runs += 1)}`,
      labels: { [LABEL]: this.folder },
      gpus: 0,
      limits: { ...TIGHT, ...limits },
      signal: new AbortController().signal,
      onProgress: () => undefined,
    };
  }

  /** Mode of a blob's file in the store. */
  async modeOf(digest: Digest): Promise<number> {
    const hex = digest.slice('sha256:'.length);
    return (await fs.stat(path.join(this.folder, 'store', 'blobs', hex.slice(0, 2), hex))).mode & 0o7777;
  }

  /** Removes also what a failed test left. */
  async close(): Promise<void> {
    await this.engine.close();
    delete process.env['MEDPERF_RED_TEAM_CANARY'];
    const filters = { label: [`${LABEL}=${this.folder}`] };
    const containers = await this.docker.listContainers({ all: true, filters });
    const left = await fs.readdir(this.workDirectory);
    for (const { Id: id } of containers) await this.docker.getContainer(id).remove({ force: true, v: true });
    // Node.js cannot remove paths that are longer than the system takes.
    await promisify(execFile)('rm', ['-rf', this.folder]);
    expect({ containers, left }).toEqual({ containers: [], left: [] });
  }

  private async run(request: RunRequest): Promise<Outcome> {
    const shown: string[] = [];
    let reading: Promise<string> | undefined;
    const onProgress: RunRequest['onProgress'] = ({ container, lastLogLine }) => {
      // From its start: the end of a flood may have pushed the beginning out of Docker's log.
      if (container !== undefined) reading ??= readLog(this.docker, container);
      if (lastLogLine !== undefined) shown.push(lastLogLine);
    };
    const began = performance.now();
    let [result, error]: [ActionResult | null, unknown] = [null, null];
    try {
      result = await this.engine.run({ ...request, onProgress });
    } catch (caught) {
      error = caught;
    }
    const tookMs = performance.now() - began;
    const container = await this.docker
      .getContainer(containerName(request))
      .inspect()
      .catch((gone: unknown) => {
        throw error ?? gone;
      });
    const log = (await reading) ?? '';
    await this.engine.release(request);
    await expectNoTrace(this.docker, container, this.workDirectory);
    return { attempts: readAttempts(log), result, error, log, shown, tookMs };
  }

  private async runHonestModel(): Promise<void> {
    const request = await this.request(path.join(__dirname, 'canary'), { numbers: [1, 2, 3, 36] });
    try {
      const result = await this.engine.run(request);
      const sum = await this.store.lookUp(result.outputs['output_path']!, 'sum');
      expect(String(await this.store.readBytes(sum!.digest))).toBe('42');
    } finally {
      await this.engine.release(request);
    }
  }

  /** Each cube is given the recorder and the program for system calls. */
  private async cubeTree(folder: string): Promise<Digest> {
    const whole = await fs.mkdtemp(path.join(this.folder, 'cube-'));
    await fs.cp(folder, whole, { recursive: true });
    const files = path.join(whole, 'workspace', 'additional_files');
    await fs.copyFile(path.join(__dirname, 'recorder.js'), path.join(files, 'recorder.js'));
    await fs.writeFile(path.join(files, 'system-call'), systemCallProgram(), { mode: 0o755 });
    return (await this.store.putTree(whole, { links: 'refuse' })).digest;
  }

  private async factsTree(facts: object): Promise<Digest> {
    const blob = await this.store.putBytes(JSON.stringify(facts));
    return (await this.store.composeTree({ 'facts.json': { kind: 'file', ...blob, executable: false } })).digest;
  }
}

const CUBE = {
  name: 'attacker',
  uid: null,
  image: { reference: 'temporal-medperf/test-node:1', expectedId: null },
} as const;

/** The start of a container's standard output, where attackers keep their record; the rest of a flood is not wanted. */
export async function readLog(docker: Docker, name: string): Promise<string> {
  const stream = (await docker.getContainer(name).logs({
    follow: true,
    stdout: true,
  })) as NodeJS.ReadableStream & { destroy: () => void };
  const out = new PassThrough();
  docker.modem.demuxStream(stream, out, out);
  stream.on('end', () => out.end());
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of out as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    if ((bytes += chunk.length) > LOG_BYTES_READ) break;
  }
  stream.destroy();
  return Buffer.concat(chunks).toString('utf8');
}

export function readAttempts(log: string): Map<string, Attempt> {
  const lines = [...log.matchAll(/^attempt (\{.*\})$/gm)];
  const attempts = lines.map(([, json = '']) => attemptLine.parse(JSON.parse(json)));
  return new Map(attempts.map((attempt) => [attempt.name, attempt]));
}
