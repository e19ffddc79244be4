import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from '@temporalio/worker';
import type { MedperfClient } from '../client';
import type { Digest, TestRunInput } from '../contract';
import { EmbeddedStack, EXAMPLE_CUBES } from '../test/embedded-stack';
import { DockerRuns } from './docker-runs';
import { compare } from './figures';
import type { Figure } from './figures';

const PAIRS = 10;
const NOOP_QUEUE = 'medperf-bench-noop';
/** The activities of a cached test run and of the two runs that it shares, wave by wave, as their histories show them. */
const CACHED_WAVES = [1, 1, 1, 1, 1, 1, 2, 2, 1, 1];

/** `medperfTestRun` against the same containers by hand, and a cached one against Temporal's own least. */
export async function benchTestRun(): Promise<Figure[]> {
  const stack = await EmbeddedStack.start();
  const folder = await mkdtemp(join(tmpdir(), 'medperf-bench-'));
  try {
    const owner = await stack.clientOf('modelOwner');
    const model = await owner.ingestCube(join(EXAMPLE_CUBES, 'chestxray_mlp', 'mlcube'), 'chestxray_mlp');
    const test: Omit<TestRunInput, 'profile'> = { benchmark: 1, model, noReference: true };
    return [await againstDocker(stack, owner, test, folder), await cachedAgainstNoop(stack, owner, test)];
  } finally {
    await stack.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function againstDocker(
  stack: EmbeddedStack,
  owner: MedperfClient,
  test: Omit<TestRunInput, 'profile'>,
  folder: string,
): Promise<Figure> {
  const data = join(folder, 'demo');
  await stack.store.materialise(await demoTree(stack), data, 'copy');
  await mkdir(join(folder, 'runs'));
  const byHand = new DockerRuns(join(folder, 'runs'));
  await byHand.prepare(EXAMPLE_CUBES, data);
  return compare(
    'test run without cache against docker run',
    PAIRS,
    1.2,
    {
      name: 'medperfTestRun',
      run: async () => {
        const result = await (await owner.startTestRun({ ...test, noCache: true })).result();
        if (result.reused) throw new Error('the run was to start its containers');
      },
    },
    { name: 'five docker run', run: () => byHand.run() },
  );
}

/** The demo data, unpacked as images/ and labels/. */
async function demoTree(stack: EmbeddedStack): Promise<Digest> {
  const { data, labels } = await stack.demoData();
  return (
    await stack.store.composeTree({
      images: { kind: 'directory', digest: data },
      labels: { kind: 'directory', digest: labels },
    })
  ).digest;
}

async function cachedAgainstNoop(
  stack: EmbeddedStack,
  owner: MedperfClient,
  test: Omit<TestRunInput, 'profile'>,
): Promise<Figure> {
  const worker = await Worker.create({
    connection: stack.temporal.nativeConnection,
    taskQueue: NOOP_QUEUE,
    workflowsPath: require.resolve('./noop-workflows'),
    activities: { noop: () => Promise.resolve() },
  });
  let runs = 0;
  return worker.runUntil(() =>
    compare(
      'cached test run against no-op activities',
      PAIRS,
      2,
      {
        name: 'medperfTestRun, cached',
        run: async () => {
          const result = await (await owner.startTestRun(test)).result();
          if (!result.reused) throw new Error('the run was to reuse everything');
        },
      },
      {
        name: `${CACHED_WAVES.reduce((sum, width) => sum + width)} no-op activities`,
        run: () =>
          stack.temporal.client.workflow.execute('noopWaves', {
            taskQueue: NOOP_QUEUE,
            workflowId: `noop-${runs++}`,
            args: [CACHED_WAVES],
          }),
      },
    ),
  );
}
