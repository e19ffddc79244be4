import { CancelledFailure, Context } from '@temporalio/activity';
import type { Heartbeat } from '../contract';

const HEARTBEAT_EVERY_MS = 5_000;

/**
 * Heartbeats on a timer with the newest details while `work` runs, so that a cancellation arrives within seconds even
 * when there is nothing to tell.
 */
export async function whileHeartbeating<T>(work: (tell: (details: Heartbeat) => void) => Promise<T>): Promise<T> {
  const context = Context.current();
  let latest: Heartbeat = {};
  const beat = (): void => context.heartbeat(latest);
  const timer = setInterval(beat, HEARTBEAT_EVERY_MS);
  try {
    return await work((details) => {
      latest = { ...(details.message === undefined ? latest : withoutShare(latest)), ...details };
      beat();
    });
  } catch (error) {
    // So that the run's log is found after a cancellation.
    throw error instanceof CancelledFailure ? new CancelledFailure(error.message, [latest]) : error;
  } finally {
    clearInterval(timer);
  }
}

/** The share was that of what the earlier message told of. */
function withoutShare({ share: _, ...others }: Heartbeat): Heartbeat {
  return others;
}
