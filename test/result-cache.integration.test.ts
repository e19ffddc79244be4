import { appendFile, cp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { finishedSteps } from '../cli/run-history';
import { stepReasons } from '../cli/run-why';
import type { MedperfClient } from '../client';
import type { Digest, TestRunResult } from '../contract';
import type { TreeEntry } from '../store/store';
import { StartedContainers } from './container-starts';
import { EmbeddedStack, EXAMPLE_CUBES } from './embedded-stack';
import { testManyModels } from './many-models';

const MODELS = 8;
const REFERENCE = { benchmark: 1, model: { kind: 'model', uid: 3 } } as const;

describe('results of earlier runs', () => {
  let stack: EmbeddedStack;
  let owner: MedperfClient;
  let started: StartedContainers;

  beforeAll(async () => {
    stack = await EmbeddedStack.start();
    started = await StartedContainers.listen(stack.docker);
    owner = await stack.clientOf('modelOwner');
  });

  afterAll(async () => {
    started.close();
    await stack.stop();
  });

  async function activitiesOf(id: string): Promise<string[]> {
    const { events } = await stack.temporal.client.workflow.getHandle(id).fetchHistory();
    return (events ?? []).flatMap((event) => event.activityTaskScheduledEventAttributes?.activityType?.name ?? []);
  }

  it('prepares the data once and runs the reference once for many models asked for at the same moment', async () => {
    const { results, ids, shared } = await testManyModels(stack, owner, MODELS);
    expect(shared.size).toBe(2);
    expect(started.tasksOf(ids)).toEqual(
      Array.from({ length: 2 * MODELS }, (_, at) => (at < MODELS ? 'evaluate' : 'infer')),
    );
    expect(started.tasksOf(shared)).toEqual(['evaluate', 'infer', 'prepare', 'sanity_check', 'statistics']);
    expect(new Set(results.map(({ reference }) => reference?.results)).size).toBe(1);
  });

  it('shows the steps of the shared runs, and finds their logs', async () => {
    const cube = await owner.ingestCube(join(stack.home, 'models', '0'), 'model-0');
    const run = await owner.startTestRun({ benchmark: 1, model: cube });
    await run.result();
    const steps = (await owner.progress(run.id)).stages.flatMap((stage) => stage.steps);
    const prepared = steps.find(({ activityId }) => activityId === 'base-data');
    expect(prepared).toMatchObject({ status: 'done', reused: true });
    expect(prepared?.steps?.map(({ name }) => name)).toEqual([
      'prepare with chestxray_prep',
      'sanity_check with chestxray_prep',
      'statistics with chestxray_prep',
    ]);
    const finished = finishedSteps(await stack.temporal.client.workflow.getHandle(run.id).fetchHistory());
    expect(finished.find(({ id }) => id === 'prepare')).toMatchObject({ shared: prepared?.shared?.id });
  });

  it('says what is different when a result cannot be taken, and where one was taken from', async () => {
    const folder = join(stack.home, 'changed');
    await cp(join(EXAMPLE_CUBES, 'chestxray_mlp', 'mlcube'), folder, { recursive: true });
    await appendFile(join(folder, 'workspace', 'parameters.yaml'), '\n# changed\n');
    const run = await owner.startTestRun({ benchmark: 1, model: await owner.ingestCube(folder, 'model-3') });
    await run.result();
    const reasons = await stepReasons(stack.temporal.client, run.id);
    expect(reasons.find(({ step }) => step === 'infer-model')).toMatchObject({
      how: 'ran',
      miss: {
        reason: 'differs',
        earlier: { run: expect.stringContaining('medperf-test/') as string },
        differences: [{ part: 'input', name: 'parameters_file' }],
      },
    });
    expect(reasons.find(({ step }) => step === 'prepare')).toMatchObject({
      how: 'reused',
      from: { run: expect.stringMatching(/^benchmark-base\//) as string },
    });
  });

  it('runs again what is named, and nothing else', async () => {
    const run = await owner.startTestRun({ ...REFERENCE, noCache: ['infer'] });
    await run.result();
    const reasons = await stepReasons(stack.temporal.client, run.id);
    expect(Object.fromEntries(reasons.map(({ step, how }) => [step, how]))).toEqual({
      prepare: 'reused',
      'sanity-check': 'reused',
      statistics: 'reused',
      'infer-model': 'ran',
      'evaluate-model': 'reused',
    });
    const wrong = await owner.startTestRun({ ...REFERENCE, noCache: ['inferr'] });
    await expect(wrong.result()).rejects.toMatchObject({
      cause: { type: 'InvalidRequest', message: expect.stringContaining('infer-model') as string },
    });
  });

  it('needs neither the files of the cubes nor their images where the results are all that is left', async () => {
    const run = await owner.startTestRun(REFERENCE);
    const before = await run.result();
    const kept = await resultBlobs(before, stack);
    await removeBlobs(join(stack.home, 'store', 'blobs'), kept);
    expect(await stack.store.has(before.tested.tree)).toBe(false);
    const again = await owner.startTestRun(REFERENCE);
    expect(await again.result()).toEqual(before);
    const steps = (await owner.progress(again.id)).stages.flatMap((stage) => stage.steps);
    const shared = steps.flatMap(({ shared: run }) => (run === undefined ? [] : [run.id]));
    expect(shared).toHaveLength(1);
    for (const id of [again.id, ...shared]) {
      for (const activity of await activitiesOf(id)) {
        expect(['resolveBenchmark', 'identify', 'joinBase', 'findResult', 'recordReport']).toContain(
          activity.replace('medperf.', ''),
        );
      }
    }
  });
});

/** Everything that results hold, and nothing of the cubes and the demo data. */
async function resultBlobs({ candidate, report }: TestRunResult, stack: EmbeddedStack): Promise<Set<string>> {
  const kept = new Set<string>([candidate.results, report]);
  const folder = join(stack.home, 'store', 'actions');
  const keep = async (digest: Digest): Promise<void> => {
    kept.add(digest);
    const members = await stack.store.listDirectory(digest).catch(() => ({}));
    for (const member of Object.values<TreeEntry>(members)) await keep(member.digest);
  };
  for (const file of await readdir(folder)) {
    const result = await stack.store.findActionResult(`sha256:${file.replace('.json', '')}`);
    for (const digest of Object.values(result?.outputs ?? {})) await keep(digest);
  }
  return kept;
}

async function removeBlobs(folder: string, kept: ReadonlySet<string>): Promise<void> {
  // Goes with the blobs, as it does when clean-up removes some.
  await rm(join(folder, 'generation'), { force: true });
  for (const start of await readdir(folder)) {
    for (const name of await readdir(join(folder, start))) {
      if (!kept.has(`sha256:${name}`)) await rm(join(folder, start, name));
    }
  }
}
