import { ActivityFailure, CancellationScope, isCancellation } from '@temporalio/workflow';

/** The end of whatever ends first; the others are cancelled. */
export function firstToEnd<T>(works: readonly (() => Promise<T>)[]): Promise<T> {
  return CancellationScope.cancellable(async () => {
    const race = CancellationScope.current();
    try {
      return await Promise.race(works.map((work) => work()));
    } finally {
      race.cancel();
    }
  });
}

/** The work's end, or null where the interruption came first; the work is then cancelled. In any case it has ended. */
export async function unlessInterrupted<T>(
  work: () => Promise<T>,
  interruption: () => Promise<void>,
): Promise<{ readonly value: T } | null> {
  const scope = new CancellationScope();
  const ended = scope.run(work);
  const isInterrupted = await firstToEnd([() => ended.then(() => false), () => interruption().then(() => true)]).catch(
    // The work failed, or all of this was cancelled: its own end tells.
    () => false,
  );
  if (isInterrupted) scope.cancel();
  try {
    return { value: await ended };
  } catch (error) {
    if (!isInterrupted || !isStopped(error) || CancellationScope.current().consideredCancelled) throw error;
    return null;
  }
}

/** An attempt that fails after its cancellation was asked for comes back as it failed. */
function isStopped(error: unknown): boolean {
  return isCancellation(error) || (error instanceof ActivityFailure && error.retryState === 'CANCEL_REQUESTED');
}

/** Does the work over from its beginning whenever `interruption` comes, once the work under way has ended. */
export async function interruptible<T>(work: () => Promise<T>, interruption: () => Promise<void>): Promise<T> {
  for (;;) {
    const ended = await unlessInterrupted(work, interruption);
    if (ended !== null) return ended.value;
  }
}
