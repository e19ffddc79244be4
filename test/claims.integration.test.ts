import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { hostRecordName } from '../activities/host-steps';
import { CONTAINERS_QUEUE, CONTROL_QUEUE, hostQueue, MedperfError, SEARCH_ATTRIBUTES } from '../contract';
import type { Cube, Digest } from '../contract';
import { FileStore } from '../store/file-store';
import { MedPerfPlugin } from '../worker/plugin';
import { DEFAULT_POLICY } from '../worker/policy';
import { runWorkers } from '../worker/workers';
import { eventually } from './medperf-stack';
import { PAPER_IMAGE, PaperHost } from './paper-host';

const GIVEN_UP_AFTER_MS = 2000;

describe('claims over a fleet', () => {
  let home: string;
  let store: FileStore;
  let temporal: TestWorkflowEnvironment;
  const running = new Map<PaperHost, () => Promise<void>>();
  let stopControl: () => Promise<void>;

  beforeAll(async () => {
    Runtime.install({ logger: new DefaultLogger('ERROR') });
    home = await mkdtemp(join(tmpdir(), 'medperf-claims-'));
    const path = process.env['TEMPORAL_MEDPERF_TEMPORAL_CLI'] ?? 'temporal';
    const searchAttributes = Object.values(SEARCH_ATTRIBUTES).map((name) =>
      defineSearchAttributeKey(name, SearchAttributeType.KEYWORD),
    );
    temporal = await TestWorkflowEnvironment.createLocal({
      server: { executable: { type: 'existing-path', path }, searchAttributes },
    });
    const control = await Worker.create({
      connection: temporal.nativeConnection,
      taskQueue: CONTROL_QUEUE,
      workflowsPath: require.resolve('./claims-workflows'),
    });
    const ended = control.run();
    stopControl = () => {
      control.shutdown();
      return ended;
    };
  });

  beforeEach(() => {
    store = new FileStore(join(home, randomUUID()));
  });

  afterEach(async () => {
    for (const host of [...running.keys()]) await stop(host);
  });

  afterAll(async () => {
    await stopControl();
    await temporal.teardown();
    await rm(home, { recursive: true, force: true });
  });

  async function start(host: PaperHost): Promise<void> {
    const end = new AbortController();
    // Two workers of one connection may not serve one queue.
    const connection = await NativeConnection.connect({ address: temporal.address });
    await new Promise<void>((resolve, reject) => {
      const working = runWorkers({
        connection,
        namespace: 'default',
        containers: {
          store,
          engine: host.engine,
          policy: { ...DEFAULT_POLICY, hostGivenUpAfterMs: GIVEN_UP_AFTER_MS },
        },
        signal: end.signal,
        onReady: resolve,
      }).finally(() => connection.close());
      working.catch(reject);
      running.set(host, () => {
        end.abort();
        return working;
      });
    });
  }

  /** As {@link start}, on a host that takes the second step when the first has ended. */
  async function startTakingOneStep({ name, engine }: PaperHost): Promise<() => Promise<void>> {
    const shutdown = new AbortController().signal;
    const allowance = () => ({ limits: DEFAULT_POLICY.limits, gpus: 0 });
    const shared = { connection: temporal.nativeConnection, maxConcurrentActivityTaskExecutions: 1 };
    const [claims, steps] = await Promise.all([
      Worker.create({
        ...shared,
        taskQueue: CONTAINERS_QUEUE,
        plugins: [new MedPerfPlugin({ claims: { engine, store, givenUpAfterMs: GIVEN_UP_AFTER_MS } })],
      }),
      Worker.create({
        ...shared,
        taskQueue: hostQueue(name),
        plugins: [new MedPerfPlugin({ containers: { store, engine, allowance, shutdown } })],
      }),
    ]);
    const ended = Promise.all([claims.run(), steps.run()]);
    return async () => {
      claims.shutdown();
      steps.shutdown();
      await ended;
    };
  }

  async function stop(host: PaperHost): Promise<void> {
    await running.get(host)?.();
    running.delete(host);
  }

  /** A host whose worker died a moment ago. */
  async function justDied(name: string, gpus: number): Promise<void> {
    await store.writeRecord(hostRecordName(name), { host: name, gpus, cpus: 1, seenAt: new Date().toISOString() });
  }

  function cube(name: string): Cube {
    return {
      name,
      tree: PAPER_IMAGE,
      hashes: { manifestHash: '' },
      image: { reference: name, expectedId: null },
    } as Cube;
  }

  function obtain(names: readonly string[], gpus = 0) {
    const workflowId = `claims-${randomUUID()}`;
    const options = { workflowId, taskQueue: CONTROL_QUEUE, args: [names.map(cube), { gpus }] };
    return temporal.client.workflow.start<(...args: unknown[]) => Promise<string>>('obtainsImages', options);
  }

  it('sends a run with GPUs to the host that has them, whoever answers the claim', async () => {
    const [cpus, gpus] = [new PaperHost('cpus', 0), new PaperHost('gpus', 2)];
    await start(cpus);
    await start(gpus);
    for (let at = 0; at < 6; at++) expect(await (await obtain([`model-${at}`], 2)).result()).toBe('gpus');
    expect(cpus.asked).toEqual([]);
  });

  it('refuses at once what no host has', async () => {
    await start(new PaperHost('cpus', 0));
    await justDied('gpus', 1);
    await expect((await obtain(['model'], 2)).result()).rejects.toMatchObject({
      cause: {
        cause: {
          type: 'InvalidRequest',
          nonRetryable: true,
          message: expect.stringContaining('gpus with 1') as string,
        },
      },
    });
  });

  it('moves on from a host that takes no step', async () => {
    const alive = new PaperHost('alive', 1);
    await justDied('dead', 1);
    await start(new PaperHost('cpus', 0));
    const run = await obtain(['model', 'metrics'], 1);
    await eventually(
      async () => (await run.describe()).raw.pendingActivities ?? [],
      (pending) => pending.length === 2,
    );
    await start(alive);
    expect(await run.result()).toBe('alive');
    expect(alive.asked.sort()).toEqual(['metrics', 'model']);
  });

  it('waits for the only host with GPUs when that one is away, and says so', async () => {
    await justDied('gpus', 1);
    await start(new PaperHost('cpus', 0));
    const run = await obtain(['model'], 1);
    await eventually(
      async () => (await run.describe()).raw.pendingActivities?.[0]?.lastFailure?.message ?? '',
      (message) => message.includes('given up by this run'),
    );
    await start(new PaperHost('gpus', 1));
    expect(await run.result()).toBe('gpus');
  });

  it('lets what runs end while the rest waits too long for a busy host, and then goes on there', async () => {
    const busy = new PaperHost('busy', 0);
    let finish = (_: Digest): void => undefined;
    busy.obtain = ({ signal }) =>
      new Promise((resolve, reject) => {
        finish = resolve;
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      });
    const stopBusy = await startTakingOneStep(busy);
    const run = await obtain(['first', 'second']);
    await eventually(
      async () => JSON.stringify((await run.fetchHistory()).events),
      (events) => events.includes('activityTaskTimedOutEventAttributes'),
    );
    expect(busy.asked).toHaveLength(1);
    busy.obtain = () => Promise.resolve(PAPER_IMAGE);
    finish(PAPER_IMAGE);
    expect(await run.result()).toBe('busy');
    expect(new Set(busy.asked)).toEqual(new Set(['first', 'second']));
    await stopBusy();
  });

  it('cancels the steps beside one that failed, and waits for their end', async () => {
    const host = new PaperHost('host', 0);
    const ends: string[] = [];
    host.obtain = ({ reference, signal }) => {
      if (reference === 'broken') {
        const facts = { what: 'no such image.', next: 'mend it.' };
        return Promise.reject(new MedperfError('IncompatibleModel', facts));
      }
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          ends.push(reference);
          reject(signal.reason as Error);
        });
      });
    };
    await start(host);
    await expect((await obtain(['endless', 'broken'])).result()).rejects.toMatchObject({
      cause: { cause: { type: 'IncompatibleModel' } },
    });
    expect(ends).toEqual(['endless']);
  });
});
