import type { Client, ScheduleHandle, ScheduleOptions } from '@temporalio/client';
import { ScheduleAlreadyRunning } from '@temporalio/client';
import { CONTROL_QUEUE, sweepSchedule, WORKFLOWS } from '../contract';

const EVERY_MS = 10 * 60 * 1000;
/** Spreads the sweeps of a fleet. */
const JITTER_MS = 60_000;
/** What was missed while the server was away is swept by the next one. */
const CATCH_UP_MS = 60_000;

/**
 * Makes sure that this host is swept now and then, and once right away.
 * @throws Temporal's errors, such as where the worker's credentials may not touch schedules.
 */
export async function keepSweeping(client: Client, host: string): Promise<void> {
  const wanted = sweeps(host);
  try {
    await client.schedule.create(wanted);
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    await bringUpToDate(client.schedule.getHandle(wanted.scheduleId), wanted);
  }
  await client.schedule.getHandle(wanted.scheduleId).trigger();
}

type SweepSchedule = ReturnType<typeof sweeps>;

function sweeps(host: string) {
  return {
    scheduleId: sweepSchedule(host),
    spec: { intervals: [{ every: EVERY_MS }], jitter: JITTER_MS },
    action: {
      type: 'startWorkflow',
      workflowType: WORKFLOWS.sweep,
      workflowId: sweepSchedule(host),
      taskQueue: CONTROL_QUEUE,
      args: [host],
    },
    policies: { overlap: 'SKIP', catchupWindow: CATCH_UP_MS },
  } satisfies ScheduleOptions;
}

/** Somebody's pause of the schedule stays. */
async function bringUpToDate(handle: ScheduleHandle, wanted: SweepSchedule): Promise<void> {
  const { spec, policies, action } = await handle.describe();
  const same =
    spec.intervals?.length === 1 &&
    spec.intervals[0]?.every === EVERY_MS &&
    spec.jitter === JITTER_MS &&
    policies.overlap === wanted.policies.overlap &&
    policies.catchupWindow === CATCH_UP_MS &&
    action.workflowType === wanted.action.workflowType &&
    action.taskQueue === wanted.action.taskQueue;
  if (same) return;
  await handle.update(({ state }) => ({ ...wanted, state }));
}
