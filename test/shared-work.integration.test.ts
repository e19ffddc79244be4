import { randomUUID } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { asFailure } from '../activities/failures';
import { stepReasons } from '../cli/run-why';
import { readProgress } from '../client/read-progress';
import { CONTROL_QUEUE, MedperfError, SEARCH_ATTRIBUTES, SHARED_QUEUE, TEST_STEPS } from '../contract';
import type { Digest, FindResultInput, JoinedBase, PreparedDataInput, RunTaskResult, Task } from '../contract';
import { MedPerfPlugin } from '../worker/plugin';
import { eventually } from './medperf-stack';

const PAPER: Digest = `sha256:${'a'.repeat(64)}`;
const ASKERS = 60;

describe('work that tests share', () => {
  let temporal: TestWorkflowEnvironment;
  let stop: () => Promise<unknown>;
  /** What the cache answers. */
  let answer: (input: FindResultInput) => Promise<RunTaskResult>;
  let asked: string[];

  beforeAll(async () => {
    Runtime.install({ logger: new DefaultLogger('ERROR') });
    const path = process.env['TEMPORAL_MEDPERF_TEMPORAL_CLI'] ?? 'temporal';
    const searchAttributes = Object.values(SEARCH_ATTRIBUTES).map((name) =>
      defineSearchAttributeKey(name, SearchAttributeType.KEYWORD),
    );
    temporal = await TestWorkflowEnvironment.createLocal({
      server: { executable: { type: 'existing-path', path }, searchAttributes },
    });
    const findResult = async (input: FindResultInput): Promise<RunTaskResult> => {
      asked.push(input.task);
      try {
        return await answer(input);
      } catch (error) {
        throw asFailure(error);
      }
    };
    const workers = await Promise.all([
      Worker.create({
        connection: temporal.nativeConnection,
        taskQueue: CONTROL_QUEUE,
        workflowsPath: require.resolve('./shared-work-workflows'),
        activities: { 'medperf.findResult': findResult },
        maxConcurrentActivityTaskExecutions: 2,
      }),
      Worker.create({
        connection: temporal.nativeConnection,
        taskQueue: SHARED_QUEUE,
        plugins: [new MedPerfPlugin({ shared: true })],
        maxConcurrentActivityTaskExecutions: 2 * ASKERS,
        maxHeartbeatThrottleInterval: '1 second',
      }),
    ]);
    const ended = Promise.all(workers.map((worker) => worker.run()));
    stop = () => {
      for (const worker of workers) worker.shutdown();
      return ended;
    };
  });

  beforeEach(() => {
    asked = [];
    answer = () => Promise.resolve(RESULT);
  });

  afterAll(async () => {
    await stop();
    await temporal.teardown();
  });

  function ask(input: PreparedDataInput): Promise<WorkflowHandle<(input: PreparedDataInput) => Promise<JoinedBase>>> {
    const options = { taskQueue: CONTROL_QUEUE, workflowId: `asks-${randomUUID()}`, args: [input] };
    return temporal.client.workflow.start<(input: PreparedDataInput) => Promise<JoinedBase>>('asks', {
      ...options,
      args: [input],
    });
  }

  /** Lets the cache wait with one task until it is told; answers what tells it. */
  function heldBack(task: Task = 'prepare'): () => void {
    let go = (): void => undefined;
    const told = new Promise<void>((resolve) => (go = resolve));
    answer = async (asking) => {
      if (asking.task === task) await told;
      return RESULT;
    };
    return go;
  }

  async function sharedRunOf(id: string): Promise<WorkflowHandle> {
    const { raw } = await eventually(
      () => temporal.client.workflow.getHandle(id).describe(),
      (description) => (description.raw.pendingActivities?.[0]?.heartbeatDetails?.payloads ?? []).length > 0,
    );
    const [details] = raw.pendingActivities?.[0]?.heartbeatDetails?.payloads ?? [];
    const { shared } = JSON.parse(Buffer.from(details?.data ?? []).toString()) as {
      shared: { id: string; runId: string };
    };
    return temporal.client.workflow.getHandle(shared.id, shared.runId);
  }

  it('is done once however many ask, and keeps no slot from it', async () => {
    const go = heldBack();
    const askers = await Promise.all(Array.from({ length: ASKERS }, () => ask(input('many'))));
    const runs = await Promise.all(askers.map(({ workflowId }) => sharedRunOf(workflowId)));
    expect(new Set(runs.map(({ workflowId }) => workflowId)).size).toBe(1);
    go();
    const results = await Promise.all(askers.map((asker) => asker.result()));
    expect(asked).toEqual(['prepare', 'sanity_check', 'statistics']);
    expect(new Set(results.map((result) => JSON.stringify(result))).size).toBe(1);
    expect(results[0]?.runs.map(({ step }) => step)).toEqual(TEST_STEPS.slice(0, 3));
  });

  it('goes on when one of those who wait is cancelled', async () => {
    const go = heldBack();
    const [left, stays] = await Promise.all([ask(input('two')), ask(input('two'))]);
    await sharedRunOf(stays.workflowId);
    const shared = await sharedRunOf(left.workflowId);
    await left.cancel();
    await expect(left.result()).rejects.toThrow('cancelled');
    expect((await shared.describe()).status.name).toBe('RUNNING');
    go();
    expect((await stays.result()).shared.id).toBe(shared.workflowId);
    expect(asked).toHaveLength(3);
  });

  it('ends when all have left, and starts again when it is asked for again', async () => {
    const go = heldBack();
    const askers = await Promise.all([ask(input('left')), ask(input('left'))]);
    const [shared] = await Promise.all(askers.map(({ workflowId }) => sharedRunOf(workflowId)));
    for (const asker of askers) await asker.cancel();
    expect(await shared?.result()).toBeNull();
    expect((await readProgress(temporal.client, shared?.workflowId ?? '')).outcome).toBe('cancelled');
    go();
    expect((await (await ask(input('left'))).result()).prepared).toEqual({ data: PAPER, labels: PAPER });
  });

  it("fails with the work's own failure, and can be asked for again", async () => {
    answer = () => Promise.reject(new MedperfError('ContainerFailed', { what: 'It broke.', next: 'mend it.' }));
    const failing = await ask(input('failing'));
    await expect(failing.result()).rejects.toMatchObject({
      cause: { cause: { type: 'ContainerFailed', nonRetryable: true, message: 'It broke. Next: mend it.' } },
    });
    answer = () => Promise.resolve(RESULT);
    expect((await (await ask(input('failing'))).result()).runs).toHaveLength(3);
  });

  it('says so when somebody ends it from outside', async () => {
    const go = heldBack();
    const asker = await ask(input('terminated'));
    await (await sharedRunOf(asker.workflowId)).terminate('maintenance');
    await expect(asker.result()).rejects.toMatchObject({
      cause: {
        cause: { type: 'InvalidRequest', message: expect.stringContaining('terminated from outside') as string },
      },
    });
    go();
  });

  it('shows what it has done and does to who asks about the run that waits for it', async () => {
    const go = heldBack('sanity_check');
    const asker = await ask(input('shown'));
    const shared = await sharedRunOf(asker.workflowId);
    const steps = await eventually(
      async () => (await readProgress(temporal.client, shared.workflowId)).stages.flatMap((stage) => stage.steps),
      (shown) => shown.length === 2,
    );
    expect(steps.map(({ name, status }) => [name, status])).toEqual([
      ['prepare with shown', 'done'],
      ['sanity_check with shown', 'running'],
    ]);
    expect(await stepReasons(temporal.client, asker.workflowId)).toMatchObject([
      { step: 'prepare', how: 'reused', shared: shared.workflowId },
    ]);
    go();
    expect((await asker.result()).steps.map(({ reused }) => reused)).toEqual([true, true, true]);
    expect(await stepReasons(temporal.client, asker.workflowId)).toHaveLength(3);
  });
});

const RESULT: RunTaskResult = {
  key: PAPER,
  outputs: { output_path: PAPER },
  log: PAPER,
  host: 'host',
  reused: true,
  resources: { wallSeconds: 1, cpuSeconds: 1, peakMemoryBytes: 1, readBytes: 0, writtenBytes: 0, gpuSeconds: 0 },
  origin: { at: '2026-01-01T00:00:00Z', host: 'host' },
};

function input(name: string): PreparedDataInput {
  const cube = { name, uid: 1, tree: PAPER, image: { reference: 'a/b:1', expectedId: PAPER } };
  return {
    part: 'prepared-data',
    dataPreparator: {
      ref: { kind: 'hosted', name, uid: 1, files: { format: 'mlcube', urls: { manifestUrl: '' }, hashes: {} } },
      known: cube,
      imageId: PAPER,
      ranBefore: true,
      tasks: ['prepare', 'sanity_check', 'statistics'],
    },
    data: { data: PAPER, labels: PAPER },
    prepared: false,
    offline: false,
    gpus: 0,
    benchmark: 1,
    scope: null,
  };
}
