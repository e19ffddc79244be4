import { SimplePlugin } from '@temporalio/plugin';
import type { WorkerOptions } from '@temporalio/worker';
import {
  createClaimActivities,
  createContainerActivities,
  createControlActivities,
  createSharedActivities,
  createSweepActivities,
} from '../activities';
import type { ContainerDependencies, ControlDependencies } from '../activities';
import { FailureTypes } from '../activities/failures';
import type { HostClaims } from '../activities/host-steps';

export interface MedPerfPluginOptions {
  /** Serves registry, store and hosting work; for a worker on the control queue. */
  readonly control?: ControlDependencies;
  /** Serves `joinBase`; for a worker on the shared-work queue, with as many slots as tests may wait there. */
  readonly shared?: true;
  /** Serves `claimHost`; for a worker on the shared containers queue. */
  readonly claims?: HostClaims;
  /** Serves container steps; for a worker on its host's own queue. */
  readonly containers?: ContainerDependencies;
  /** Serves `sweepHost`; for a worker on its host's own queue for sweeps. */
  readonly sweeps?: Pick<ContainerDependencies, 'engine'>;
  /** Clean-up when the worker has ended, whichever way. */
  readonly close?: () => Promise<void>;
}

/**
 * Adds MedPerf's activities, the interceptor that types their failures, and clean-up to any Worker. The workflows come
 * with `export * from 'temporal-medperf/workflows'` in the adopter's own workflow module, since a worker has one bundle.
 *
 * @throws TypeError when the worker starts, if it has an activity of the same name.
 */
export class MedPerfPlugin extends SimplePlugin {
  constructor(private readonly parts: MedPerfPluginOptions) {
    super({
      name: 'temporal-medperf.MedPerfPlugin',
      activities: activitiesOf(parts),
      workerInterceptors: { activity: [() => ({ inbound: new FailureTypes() })] },
      runContext: async (next) => {
        try {
          await next();
        } finally {
          await parts.close?.();
        }
      },
    });
  }

  override configureWorker(options: WorkerOptions): WorkerOptions {
    const ours = Object.keys(activitiesOf(this.parts));
    const clash = ours.filter((name) => options.activities !== undefined && name in options.activities);
    if (clash.length > 0) {
      throw new TypeError(
        `the worker already has activities named ${clash.join(', ')}: rename yours, or register the plugin once`,
      );
    }
    return super.configureWorker(options);
  }
}

function activitiesOf({ control, shared, claims, containers, sweeps }: MedPerfPluginOptions): object {
  return {
    ...(control === undefined ? {} : createControlActivities(control)),
    ...(shared === undefined ? {} : createSharedActivities()),
    ...(claims === undefined ? {} : createClaimActivities(claims)),
    ...(containers === undefined ? {} : createContainerActivities(containers)),
    ...(sweeps === undefined ? {} : createSweepActivities(sweeps)),
  };
}
