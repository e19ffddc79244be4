import { CancellationScope, isCancellation } from '@temporalio/workflow';

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

/** Does the work over from its beginning whenever `interruption` comes, once the work under way has ended. */
export async function interruptible<T>(work: () => Promise<T>, interruption: () => Promise<void>): Promise<T> {
  for (;;) {
    const scope = new CancellationScope();
    const ended = scope.run(work);
    const interrupted = await firstToEnd([() => ended.then(() => false), () => interruption().then(() => true)]);
    if (!interrupted) return ended;
    scope.cancel();
    const result = await ended.then(
      (value) => ({ value }),
      (error: unknown) => {
        if (!isCancellation(error) || CancellationScope.current().consideredCancelled) throw error;
        return null;
      },
    );
    if (result !== null) return result.value;
  }
}
