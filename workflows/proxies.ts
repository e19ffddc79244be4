import { proxyActivities } from '@temporalio/workflow';
import type { MedperfActivities } from '../activities';
import { CONTAINERS_QUEUE, CONTROL_QUEUE, hostQueue, SHARED_QUEUE, sweepQueue } from '../contract';
import type { ClaimedHost } from '../contract';

/** The place's failures are retried with no end; the model's and the request's come back as non-retryable. */
const RETRY = { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute' } as const;

/** Short calls of the registry: no heartbeat, so that they stay cheap. */
export const registryCalls = proxyActivities<MedperfActivities>({
  taskQueue: CONTROL_QUEUE,
  startToCloseTimeout: '2 minutes',
  retry: RETRY,
});

/** Looks into the store's records: short, and so without a heartbeat. */
export const resultLookUps = proxyActivities<MedperfActivities>({
  taskQueue: CONTROL_QUEUE,
  startToCloseTimeout: '2 minutes',
  retry: RETRY,
});

/** Downloads, archives, publishing: as long as the bytes need, while the heartbeat goes on. */
export const byteMoving = proxyActivities<MedperfActivities>({
  taskQueue: CONTROL_QUEUE,
  startToCloseTimeout: '12 hours',
  heartbeatTimeout: '1 minute',
  retry: RETRY,
});

/** Waits for work that several share, as long as that takes. */
export const sharing = proxyActivities<MedperfActivities>({
  taskQueue: SHARED_QUEUE,
  startToCloseTimeout: '365 days',
  heartbeatTimeout: '1 minute',
  // A cancelled run has left when it ends.
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  retry: RETRY,
});

export const claims = proxyActivities<MedperfActivities>({
  taskQueue: CONTAINERS_QUEUE,
  startToCloseTimeout: '1 minute',
  retry: RETRY,
});

/**
 * Polls the committee without an event per poll: each attempt that finds no decision fails, and the server starts the
 * next one after a growing interval, for months if need be.
 */
export const committeePolls = proxyActivities<MedperfActivities>({
  taskQueue: CONTROL_QUEUE,
  startToCloseTimeout: '2 minutes',
  // Its id is free for the next look only when it has ended.
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  retry: { initialInterval: '2 seconds', backoffCoefficient: 1.2, maximumInterval: '10 minutes' },
});

/** A place that does not take a reminder is tried for some minutes; the next reminder comes anyway. */
export const reminders = proxyActivities<MedperfActivities>({
  taskQueue: CONTROL_QUEUE,
  startToCloseTimeout: '1 minute',
  retry: { ...RETRY, maximumAttempts: 8 },
});

/** Steps on a claimed host. One that takes none for `givenUpAfterMs` is given up, and another one claimed. */
export function onHost({ host, givenUpAfterMs }: ClaimedHost): ReturnType<typeof proxyActivities<MedperfActivities>> {
  return proxyActivities<MedperfActivities>({
    taskQueue: hostQueue(host),
    scheduleToStartTimeout: givenUpAfterMs,
    startToCloseTimeout: '14 days',
    // Three heartbeats: a worker that was killed is noticed soon, and the next one attaches to the container.
    heartbeatTimeout: '15 seconds',
    // A cancelled run has ended when its container is gone.
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
    retry: RETRY,
  });
}

export function onSweepQueue(host: string): ReturnType<typeof proxyActivities<MedperfActivities>> {
  return proxyActivities<MedperfActivities>({
    taskQueue: sweepQueue(host),
    scheduleToStartTimeout: '5 minutes',
    startToCloseTimeout: '1 hour',
    heartbeatTimeout: '30 seconds',
    // The schedule starts the next sweep soon enough.
    retry: { ...RETRY, maximumAttempts: 3 },
  });
}
