import { ApplicationFailure } from '@temporalio/activity';
import type { Context } from '@temporalio/activity';

/**
 * Tells a worker's shutdown from somebody's cancellation: the latter aborts the signal, so that the container is stopped;
 * at a shutdown the container goes on, and the next attempt attaches to it. A lost heartbeat also cancels an activity:
 * then another attempt has attached to the container, which has to go on as well.
 */
export async function untilShutdown<T>(
  context: Pick<Context, 'cancelled' | 'cancellationDetails'>,
  shutdown: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const asked = new AbortController();
  context.cancelled.catch((reason: unknown) => {
    if (context.cancellationDetails?.cancelRequested === true) asked.abort(reason);
  });
  const detach = new AbortController();
  const stopped = new Promise<never>((_, reject) => {
    const leave = (): void => reject(leftRunning());
    if (shutdown.aborted) leave();
    else shutdown.addEventListener('abort', leave, { once: true, signal: detach.signal });
  });
  try {
    return await Promise.race([work(asked.signal), stopped]);
  } finally {
    detach.abort();
  }
}

function leftRunning(): ApplicationFailure {
  return ApplicationFailure.retryable('the worker stops; its container goes on and is attached to again', 'HostLost');
}
