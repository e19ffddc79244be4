import { ApplicationFailure } from '@temporalio/activity';
import type { Context } from '@temporalio/activity';

/**
 * Tells a worker's shutdown from somebody's cancellation: the latter aborts the signal, so that the container is stopped;
 * at a shutdown the container goes on, and the next attempt attaches to it. An attempt that the server no longer knows is
 * cancelled too: either another attempt goes on with the container, or the workflow was terminated (`isOwnerClosed`).
 */
export async function untilShutdown<T>(
  context: Pick<Context, 'cancelled' | 'cancellationDetails'>,
  shutdown: AbortSignal,
  isOwnerClosed: () => Promise<boolean>,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const asked = new AbortController();
  context.cancelled.catch((reason: unknown) => {
    const { cancelRequested = false, notFound = false } = context.cancellationDetails ?? {};
    if (cancelRequested) asked.abort(reason);
    // Where that cannot be told the container goes on, and the sweep asks again.
    else if (notFound)
      isOwnerClosed()
        .then((closed) => closed && asked.abort(reason))
        .catch(() => undefined);
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
