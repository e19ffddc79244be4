import { ActivityFailure, isCancellation, sleep } from '@temporalio/workflow';
import { FIRST_REMINDER_MS, LONGEST_REMINDER_MS } from '../contract';
import type { PairInput, Reminder } from '../contract';
import type { OpenNeed } from './progress-recorder';
import { reminders } from './proxies';

export type RemindedPair = Pick<PairInput, 'benchmark' | 'modelUid'>;

/** Reminds of a need after growing waits, for as long as it is open. A reminder that nobody takes ends nothing. */
export async function reminding(
  need: OpenNeed,
  { benchmark, modelUid }: RemindedPair,
  remindAfterMs = FIRST_REMINDER_MS,
): Promise<never> {
  // A wait of nothing would never grow.
  const first = Math.max(1, remindAfterMs);
  const longest = Math.max(first, LONGEST_REMINDER_MS);
  for (let count = 1, wait = first; ; count += 1, wait = Math.min(2 * wait, longest)) {
    await sleep(wait);
    const { what, from, message, since, until } = need.facts;
    const facts = { what, from, message, since, ...(until === undefined ? {} : { until }) };
    const sent = await remind({ ...facts, count, benchmark, modelUid });
    need.note({ reminders: { count, last: new Date().toISOString(), sent } });
  }
}

async function remind(reminder: Reminder): Promise<boolean> {
  try {
    const activityId = `remind-${reminder.what}-${reminder.count}`;
    return (await reminders['medperf.remind'].executeWithOptions({ activityId }, [reminder])).sent;
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    return false;
  }
}
