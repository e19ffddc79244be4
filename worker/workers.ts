import type { NativeConnection, WorkerOptions } from '@temporalio/worker';
import { Worker } from '@temporalio/worker';
import type { ContainerDependencies, ControlDependencies } from '../activities';
import { CONTAINERS_QUEUE, CONTROL_QUEUE, hostQueue } from '../contract';
import { DockerGate } from './docker-gate';
import { MedPerfPlugin } from './plugin';

export interface WorkersOptions {
  readonly connection: NativeConnection;
  readonly namespace: string;
  /** Serve registry, store and hosting work, and the workflows themselves. */
  readonly control?: ControlDependencies;
  /** Serve this host's containers; `slots` steps at once. */
  readonly containers?: Omit<ContainerDependencies, 'shutdown'> & { readonly slots: number };
  /** Shut down gracefully when it aborts. */
  readonly signal: AbortSignal;
  /** Called once every queue is polled. */
  readonly onReady?: () => void;
}

const CONTROL_SLOTS = 50;
/** Registry calls end well within it; container steps are left running for the next worker. */
const SHUTDOWN_GRACE = '5 seconds';

/**
 * Runs this process's workers until the signal aborts: one on the control queue with the workflows, one on the shared
 * containers queue that serves only claims, one on the host's own queue.
 */
export async function runWorkers(options: WorkersOptions): Promise<void> {
  const workers = await Promise.all([
    ...(options.control === undefined ? [] : [controlWorker(options, options.control)]),
    ...(options.containers === undefined ? [] : containerWorkers(options, options.containers)),
  ]);
  const runs = workers.map((worker) => worker.run());
  const stop = (): void => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  options.signal.addEventListener('abort', stop, { once: true });
  if (options.signal.aborted) stop();
  options.onReady?.();
  // One worker's fatal error stops the others, so that the process ends and its supervisor sees it.
  const ended = await Promise.allSettled(runs.map((run) => run.finally(stop)));
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

function containerWorkers(
  options: WorkersOptions,
  { slots, ...host }: NonNullable<WorkersOptions['containers']>,
): Promise<Worker>[] {
  const { engine } = host;
  const containers = { ...host, shutdown: options.signal };
  const gated = { workflowTaskSlotSupplier: FIXED, localActivityTaskSlotSupplier: FIXED, nexusTaskSlotSupplier: FIXED };
  return [
    Worker.create({
      ...shared(options),
      taskQueue: CONTAINERS_QUEUE,
      tuner: { ...gated, activityTaskSlotSupplier: new DockerGate(engine, 2) },
      plugins: [new MedPerfPlugin({ claims: { engine } })],
    }),
    engine.hostName().then((host) =>
      Worker.create({
        ...shared(options),
        taskQueue: hostQueue(host),
        tuner: { ...gated, activityTaskSlotSupplier: new DockerGate(engine, slots) },
        plugins: [new MedPerfPlugin({ containers })],
      }),
    ),
  ];
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
