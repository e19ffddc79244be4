import { randomUUID } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure, defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import type { MedperfActivities } from '../activities';
import { CONTROL_QUEUE, SEARCH_ATTRIBUTES } from '../contract';
import type { AssociationStanding, BenchmarkFacts, RegisteredCube, TestRunResult } from '../contract';
import { eventually } from './medperf-stack';

const DIGEST = `sha256:${'a'.repeat(64)}` as const;
const BENCHMARK = { uid: 1, name: 'chestxray' } as BenchmarkFacts;
const TESTED = {
  candidate: { results: DIGEST },
  tested: { tree: DIGEST, imageId: DIGEST, benchmark: BENCHMARK },
} as TestRunResult;
const REGISTERED: RegisteredCube = {
  kind: 'cube',
  uid: 4,
  name: 'model',
  adopted: false,
  tree: DIGEST,
  imageId: DIGEST,
};

/** The pair's row as a registry would keep it, and what the test does while the request is sent. */
let row: 'none' | 'pending' | 'withdrawn';
let sending: () => Promise<void>;

const activities: Partial<MedperfActivities> = {
  'medperf.checkAssociation': () =>
    Promise.resolve<AssociationStanding>({ modelName: 'model', benchmark: BENCHMARK, current: 'none' }),
  'medperf.requestAssociation': () => sending(),
  'medperf.pollAssociation': () => Promise.reject(ApplicationFailure.retryable('none yet', 'NeedsAttention')),
  'medperf.withdrawAssociation': () => {
    if (row === 'pending') row = 'withdrawn';
    return Promise.resolve();
  },
};

describe('an association that is cancelled while it is requested', () => {
  let temporal: TestWorkflowEnvironment;
  let worker: Worker;
  let ended: Promise<void>;

  beforeAll(async () => {
    Runtime.install({ logger: new DefaultLogger('ERROR') });
    const path = process.env['TEMPORAL_MEDPERF_TEMPORAL_CLI'] ?? 'temporal';
    const searchAttributes = Object.values(SEARCH_ATTRIBUTES).map((name) =>
      defineSearchAttributeKey(name, SearchAttributeType.KEYWORD),
    );
    temporal = await TestWorkflowEnvironment.createLocal({
      server: { executable: { type: 'existing-path', path }, searchAttributes },
    });
    worker = await Worker.create({
      connection: temporal.nativeConnection,
      taskQueue: CONTROL_QUEUE,
      workflowsPath: require.resolve('./cancelled-request-workflows'),
      activities,
    });
    ended = worker.run();
  });
  beforeEach(() => {
    row = 'none';
  });
  afterAll(async () => {
    worker.shutdown();
    await ended;
    await temporal.teardown();
  });

  function start(): Promise<WorkflowHandle> {
    const input = { profile: 'default', benchmark: 1, modelUid: 4, confirmed: true };
    return temporal.client.workflow.start('associatesTested', {
      taskQueue: CONTROL_QUEUE,
      workflowId: `associates-${randomUUID()}`,
      args: [input, TESTED, REGISTERED],
    });
  }

  async function endsCancelled(handle: WorkflowHandle): Promise<void> {
    await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
  }

  /** The request is under way until it is let go; its cancellation is known to the server by then. */
  function heldRequest(end: () => Promise<void>): { begun: Promise<void>; letGo: () => void } {
    let letGo = (): void => undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    const begun = new Promise<void>((resolve) => {
      sending = async () => {
        resolve();
        await held;
        await end();
      };
    });
    return { begun, letGo };
  }

  async function cancelWhileSending(handle: WorkflowHandle): Promise<void> {
    await handle.cancel();
    await eventually(
      async () => (await handle.fetchHistory()).events ?? [],
      (events) => events.some((event) => event.activityTaskCancelRequestedEventAttributes),
    );
  }

  it('takes the request back that was made meanwhile', async () => {
    const { begun, letGo } = heldRequest(() => {
      row = 'pending';
      return Promise.resolve();
    });
    const handle = await start();
    await begun;
    await cancelWhileSending(handle);
    letGo();
    await endsCancelled(handle);
    expect(row).toBe('withdrawn');
  });

  it('takes it back too when the answer was lost', async () => {
    const { begun, letGo } = heldRequest(() => {
      row = 'pending';
      return Promise.reject(ApplicationFailure.retryable('no answer', 'RegistryUnavailable'));
    });
    const handle = await start();
    await begun;
    await cancelWhileSending(handle);
    letGo();
    await endsCancelled(handle);
    expect(row).toBe('withdrawn');
  });

  it('takes it back after an attempt whose answer was lost before', async () => {
    sending = () => {
      row = 'pending';
      return Promise.reject(
        ApplicationFailure.create({ message: 'no answer', type: 'RegistryUnavailable', nextRetryDelay: '1 hour' }),
      );
    };
    const handle = await start();
    await eventually(
      async () => (await handle.describe()).raw.pendingActivities ?? [],
      (pending) => pending.some(({ lastFailure }) => lastFailure),
    );
    await handle.cancel();
    await endsCancelled(handle);
    expect(row).toBe('withdrawn');
  });
});
