import { availableParallelism } from 'node:os';
import { Client } from '@temporalio/client';
import type { NativeConnection, WorkerOptions } from '@temporalio/worker';
import { Runtime, Worker } from '@temporalio/worker';
import type { ContainerDependencies, ControlDependencies } from '../activities';
import { CONTAINERS_QUEUE, CONTROL_QUEUE, hostQueue, SHARED_QUEUE, sweepQueue } from '../contract';
import { readGpus } from '../engine/gpu-inventory';
import { HostGate } from './host-gate';
import { HostRecords } from './host-records';
import { MedPerfPlugin } from './plugin';
import { DEFAULT_POLICY } from './policy';
import type { Policy } from './policy';
import { policyFor, refuseRulesBeyond } from './policy-rules';
import { keepSweeping } from './sweep-schedule';

export interface WorkersOptions {
  readonly connection: NativeConnection;
  readonly namespace: string;
  /** Serve registry, store and hosting work, and the workflows themselves. */
  readonly control?: ControlDependencies;
  /** Serve this host's containers. */
  readonly containers?: ContainerHost;
  /** Shut down gracefully when it aborts. */
  readonly signal: AbortSignal;
  /** Called once every queue is polled. */
  readonly onReady?: () => void;
}

export interface ContainerHost extends Pick<
  ContainerDependencies,
  'store' | 'engine' | 'downloads' | 'imagePublisher'
> {
  /** The operator's; `DEFAULT_POLICY` when left out. */
  readonly policy?: Policy;
}

const CONTROL_SLOTS = 50;
/** Each only waits. */
const WAITING_FOR_SHARED_WORK = 2000;
const CLAIMS_AT_ONCE = 2;
/**
 * Far more than run: steps wait for processors and GPUs inside the activity, where they tell what for. In the queue they
 * would look like those of a host that is gone, and those that need a GPU would keep the others waiting.
 */
const HOST_STEPS_AT_ONCE = 500;
/** Registry calls end well within it; container steps are left running for the next worker. */
const SHUTDOWN_GRACE = '5 seconds';

/**
 * Runs this process's workers until the signal aborts: one on the control queue with the workflows, one on which tests
 * wait for work that they share, one on the shared
 * containers queue that serves only claims, one on the host's own queue, and one for its sweeps.
 */
export async function runWorkers(options: WorkersOptions): Promise<void> {
  const { control, containers } = options;
  if (containers !== undefined) refuseRulesBeyond(containers.policy?.rules ?? [], containers.engine.gpuCount());
  const workers = await Promise.all([
    ...(control === undefined ? [] : [controlWorker(options, control), sharedWorker(options)]),
    ...(containers === undefined ? [] : containerWorkers(options, containers)),
  ]);
  const records = containers === undefined ? null : hostRecords(containers);
  await records?.start();
  if (containers !== undefined) await startSweeping(options, containers);
  const runs = workers.map((worker) => worker.run());
  const stop = (): void => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  options.signal.addEventListener('abort', stop, { once: true });
  if (options.signal.aborted) stop();
  options.onReady?.();
  // One worker's fatal error stops the others, so that the process ends and its supervisor sees it.
  const ended = await Promise.allSettled(runs.map((run) => run.finally(stop)));
  records?.stop();
  const failed = ended.find((end) => end.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

function controlWorker(options: WorkersOptions, control: ControlDependencies): Promise<Worker> {
  return Worker.create({
    ...shared(options),
    taskQueue: CONTROL_QUEUE,
    workflowsPath: require.resolve('../workflows'),
    maxConcurrentActivityTaskExecutions: CONTROL_SLOTS,
    // After a worker's death, queries and workflow tasks wait this long for it before another one gets them.
    stickyQueueScheduleToStartTimeout: '3 seconds',
    plugins: [new MedPerfPlugin({ control })],
  });
}

function sharedWorker(options: WorkersOptions): Promise<Worker> {
  return Worker.create({
    ...shared(options),
    taskQueue: SHARED_QUEUE,
    maxConcurrentActivityTaskExecutions: WAITING_FOR_SHARED_WORK,
    plugins: [new MedPerfPlugin({ shared: true })],
  });
}

function containerWorkers(
  options: WorkersOptions,
  { store, engine, downloads, imagePublisher, policy = DEFAULT_POLICY }: ContainerHost,
): Promise<Worker>[] {
  const allowance: ContainerDependencies['allowance'] = (run) => policyFor(policy, run);
  const dockerAnswers = (): Promise<boolean> =>
    engine.ping().then(
      () => true,
      () => false,
    );
  const canBegin = async (): Promise<boolean> => engine.hasRoom() && (await dockerAnswers());
  const gated = (taskQueue: string, gate: HostGate, plugin: MedPerfPlugin): Promise<Worker> =>
    Worker.create({
      ...shared(options),
      taskQueue,
      tuner: {
        workflowTaskSlotSupplier: FIXED,
        localActivityTaskSlotSupplier: FIXED,
        nexusTaskSlotSupplier: FIXED,
        activityTaskSlotSupplier: gate,
      },
      plugins: [plugin],
    });
  const containers = new MedPerfPlugin({
    containers: {
      ...{ store, engine, allowance, reuse: policy.reuse, shutdown: options.signal },
      ...(downloads === undefined ? {} : { downloads }),
      ...(imagePublisher === undefined ? {} : { imagePublisher }),
    },
  });
  const claims = new MedPerfPlugin({ claims: { engine, store, givenUpAfterMs: policy.hostGivenUpAfterMs } });
  const sweeps = new MedPerfPlugin({ sweeps: { engine } });
  return [
    gated(CONTAINERS_QUEUE, new HostGate(canBegin, CLAIMS_AT_ONCE), claims),
    engine
      .hostName()
      .then((host) => gated(hostQueue(host), new HostGate(dockerAnswers, HOST_STEPS_AT_ONCE), containers)),
    engine.hostName().then((host) => gated(sweepQueue(host), new HostGate(dockerAnswers, 1), sweeps)),
  ];
}

function hostRecords({ store, engine, policy = DEFAULT_POLICY }: ContainerHost): HostRecords {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const drivers = readGpus(policy.gpus).then((gpus) => [...new Set(gpus.map(({ driver }) => driver))].filter(Boolean));
  return new HostRecords({
    store,
    describe: async () => {
      await engine.ping();
      const host = { host: await engine.hostName(), gpus: engine.gpuCount(), cpus: availableParallelism() };
      return { ...host, architecture, gpuDrivers: await drivers };
    },
    onFailure: (error) => warn('This host could not be recorded; workers of other hosts do not send work here.', error),
  });
}

/** A worker that may not make schedules works all the same. */
async function startSweeping({ connection, namespace }: WorkersOptions, { engine }: ContainerHost): Promise<void> {
  try {
    await keepSweeping(new Client({ connection, namespace }), await engine.hostName());
  } catch (error) {
    warn('The schedule that clears away what closed runs left on this host could not be made.', error);
  }
}

function warn(what: string, error: unknown): void {
  Runtime.instance().logger.warn(what, { error: error instanceof Error ? error.message : String(error) });
}

const FIXED = { type: 'fixed-size', numSlots: 2 } as const;

function shared({
  connection,
  namespace,
}: WorkersOptions): Pick<
  WorkerOptions,
  'connection' | 'namespace' | 'shutdownGraceTime' | 'maxHeartbeatThrottleInterval' | 'defaultHeartbeatThrottleInterval'
> {
  return {
    connection,
    namespace,
    shutdownGraceTime: SHUTDOWN_GRACE,
    // A cancellation arrives with a heartbeat, so heartbeats are not held back longer than this.
    maxHeartbeatThrottleInterval: '2 seconds',
    defaultHeartbeatThrottleInterval: '2 seconds',
  };
}
