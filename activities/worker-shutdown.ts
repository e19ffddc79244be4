import { ApplicationFailure } from '@temporalio/activity';
import type { Context } from '@temporalio/activity';

/**
 * Tells a worker's shutdown from somebody's cancellation: the latter aborts the signal, so that the container is stopped;
 * at a shutdown the container goes on, and the next attempt attaches to it.
 */
export async function untilShutdown<T>(context: Context, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const asked = new AbortController();
  const shutdown = new Promise<never>((_, reject) => {
    context.cancelled.catch((reason: unknown) => {
      if (context.cancellationDetails?.workerShutdown === true) reject(leftRunning());
      // A lost heartbeat also cancels: then another attempt has attached to the container, which has to go on.
      else if (context.cancellationDetails?.cancelRequested === true) asked.abort(reason);
    });
  });
  return Promise.race([work(asked.signal), shutdown]);
}

function leftRunning(): ApplicationFailure {
  return ApplicationFailure.retryable('the worker stops; its container goes on and is attached to again', 'HostLost');
}
