/**
 * Awaits what was begun at the same time. The first failure aborts the signal of the others and is thrown when none of them is
 * under way any more.
 */
export async function sideBySide<T extends readonly Promise<unknown>[]>(
  outer: AbortSignal,
  begin: (signal: AbortSignal) => T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  const failed = new AbortController();
  const begun = begin(AbortSignal.any([outer, failed.signal]));
  for (const part of begun) part.catch((error: unknown) => failed.abort(error));
  await Promise.allSettled(begun);
  if (failed.signal.aborted) throw failed.signal.reason;
  return Promise.all(begun);
}
