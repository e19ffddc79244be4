import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ActionResult, Digest, RunTaskInput, RunTaskResult } from '../contract';
import type { Engine, RunRequest } from '../engine/engine';
import { Downloads } from '../store/downloads';
import { FileStore } from '../store/file-store';
import { findResult } from './find-result';
import { runTask } from './run-task';
import type { Reuse } from './run-task';

const MANIFEST = `
name: model
docker: { image: 'a/b:1' }
tasks:
  infer:
    parameters:
      inputs: { data_path: { type: directory, default: data }, parameters_file: parameters.yaml }
      outputs: { output_path: { type: directory, default: predictions } }
`;
const LIMITS = { shmBytes: 1 } as RunRequest['limits'];

describe('runTask', () => {
  let home: string;
  let store: FileStore;
  let input: RunTaskInput;
  let runs: number;
  let ended: number;

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'medperf-task-'));
    store = new FileStore(home);
    runs = 0;
    ended = 1;
    input = await inputOf(store);
  });

  afterEach(() => rm(home, { recursive: true, force: true }));

  const engine: Pick<Engine, 'hostName' | 'run' | 'release'> = {
    hostName: () => Promise.resolve('host'),
    release: () => Promise.resolve(),
    run: async ({ key }) => {
      runs++;
      const log = await store.putBytes(`run ${runs}`);
      const { digest } = await store.composeTree({});
      return { ...ENDED, finishedAt: `2026-01-01T00:00:0${ended}Z`, key, log, outputs: { output_path: digest } };
    },
  };

  function run(
    change: Partial<RunTaskInput> = {},
    { owner = 'step', reuse = 'across-users' }: { owner?: string; reuse?: Reuse } = {},
  ): Promise<RunTaskResult> {
    const asker = { owner, workflowId: `workflow of ${owner}`, labels: {}, attempt: 1 };
    const { signal } = new AbortController();
    const place = { store, downloads: new Downloads(), engine: engine as Engine, limits: LIMITS, policyGpus: 0, reuse };
    return runTask({ ...place, ...asker, signal, tell: () => undefined }, { ...input, ...change });
  }

  it('takes a known result and says where it is from', async () => {
    expect(await run()).toMatchObject({ reused: false, miss: { reason: 'first' } });
    const again = await run({}, { owner: 'other' });
    expect(again).toMatchObject({ reused: true, origin: { host: 'host', run: 'workflow of step' } });
    expect(again.miss).toBeUndefined();
    expect(runs).toBe(1);
  });

  it('takes no result of another image, data or cube', async () => {
    await run();
    const { digest: data } = await store.composeTree({ folder: { kind: 'directory', digest: await emptyTree(store) } });
    expect(await run({ inputs: { data_path: data } })).toMatchObject({
      reused: false,
      miss: { reason: 'differs', differences: [{ part: 'input', name: 'data_path' }] },
    });
    expect(await run({ imageId: `sha256:${'e'.repeat(64)}` })).toMatchObject({
      miss: { reason: 'differs', differences: [{ part: 'image' }] },
    });
    expect(runs).toBe(3);
  });

  it('without the cache finds only what the step itself recorded, and renews the result for others', async () => {
    await run();
    ended = 2;
    expect(await run({ noCache: true }, { owner: 'b' })).toMatchObject({ miss: { reason: 'asked-for' } });
    expect((await run({ noCache: true }, { owner: 'b' })).reused).toBe(true);
    expect((await run({}, { owner: 'c' })).origin.run).toBe('workflow of b');
    expect(runs).toBe(2);
  });

  it('keeps the results of users apart where the scope says so', async () => {
    await run({ scope: 'ada' });
    expect((await run({ scope: 'ada' })).reused).toBe(true);
    expect(await run({ scope: 'bob' })).toMatchObject({ reused: false, miss: { reason: 'first' } });
    expect((await run({ scope: null })).reused).toBe(false);
    expect(await findResult(store, { ...input, scope: 'eve' })).toBeNull();
    expect((await findResult(store, { ...input, scope: 'bob' }))?.reused).toBe(true);
  });

  it('neither takes nor gives a result where the host keeps users apart and the run names none', async () => {
    await run();
    expect((await run({}, { owner: 'b', reuse: 'own' })).reused).toBe(false);
    expect((await run({}, { owner: 'b', reuse: 'own' })).reused).toBe(true);
    expect((await findResult(store, input))?.origin.run).toBe('workflow of step');
  });

  it('is found without the files of the cube once it has run', async () => {
    await run();
    const bare: FileStore = Object.assign(Object.create(store) as FileStore, {
      has: () => Promise.resolve(false),
      lookUp: () => Promise.reject(new Error('the cube is not here')),
    });
    expect((await findResult(bare, input))?.reused).toBe(true);
    expect(await findResult(bare, { ...input, task: 'evaluate' })).toBeNull();
  });
});

const ENDED: Omit<ActionResult, 'key' | 'log' | 'outputs'> = {
  exitCode: 0,
  startedAt: '2026-01-01T00:00:00Z',
  finishedAt: '2026-01-01T00:00:01Z',
  host: 'host',
  resources: { wallSeconds: 1, cpuSeconds: 1, peakMemoryBytes: 1, readBytes: 0, writtenBytes: 0, gpuSeconds: 0 },
  outputBound: 'watched',
};

async function emptyTree(store: FileStore): Promise<Digest> {
  return (await store.composeTree({})).digest;
}

async function inputOf(store: FileStore): Promise<RunTaskInput> {
  const manifest = await store.putBytes(MANIFEST);
  const parameters = await store.putBytes('a: 1\n');
  const workspace = await store.composeTree({ 'parameters.yaml': { kind: 'file', ...parameters, executable: false } });
  const { digest: tree } = await store.composeTree({
    'mlcube.yaml': { kind: 'file', ...manifest, executable: false },
    workspace: { kind: 'directory', digest: workspace.digest },
  });
  return {
    cube: { name: 'model', uid: null, tree, image: { reference: 'a/b:1', expectedId: null } },
    imageId: `sha256:${'a'.repeat(64)}`,
    task: 'infer',
    inputs: { data_path: await emptyTree(store) },
    gpus: 0,
    noCache: false,
    benchmark: null,
    scope: null,
  };
}
