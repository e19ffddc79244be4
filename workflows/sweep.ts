import { ActivityFailure, TimeoutFailure } from '@temporalio/workflow';
import type { SweptHost } from '../contract';
import { onSweepQueue } from './proxies';

/** Removes what closed executions left on a host. One that is away is no failure: its next sweep finds the same. */
export async function medperfSweep(host: string): Promise<SweptHost | 'host absent'> {
  try {
    return await onSweepQueue(host)['medperf.sweepHost'].executeWithOptions({ activityId: 'sweep', summary: host }, []);
  } catch (error) {
    if (isAbsence(error)) return 'host absent';
    throw error;
  }
}

function isAbsence(error: unknown): boolean {
  if (!(error instanceof ActivityFailure) || !(error.cause instanceof TimeoutFailure)) return false;
  return error.cause.timeoutType === 'SCHEDULE_TO_START' || error.cause.timeoutType === 'HEARTBEAT';
}
