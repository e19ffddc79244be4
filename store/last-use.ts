import { statSync, utimesSync } from 'node:fs';
import { stat, utimes } from 'node:fs/promises';
import { errorCode } from './failures';

/**
 * A file of the store was last used at its mtime. Uses are noted no more often than this, in milliseconds; the clean-up
 * spares what was used within a far longer time.
 */
const NOTED_EVERY_MS = 3_600_000;

/** What a file that is wanted has in bytes; it counts as used now. Null where there is none. */
export async function useFile(path: string): Promise<number | null> {
  try {
    const { size, mtimeMs } = await stat(path);
    if (isToBeNoted(mtimeMs)) await utimes(path, new Date(), new Date());
    return size;
  } catch (error) {
    if (isGone(error)) return null;
    throw error;
  }
}

/** The same for a thread. */
export function useFileSync(path: string): number | null {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return null;
  try {
    if (isToBeNoted(found.mtimeMs)) utimesSync(path, new Date(), new Date());
    return found.size;
  } catch (error) {
    if (isGone(error)) return null;
    throw error;
  }
}

function isToBeNoted(mtimeMs: number): boolean {
  return Date.now() - mtimeMs > NOTED_EVERY_MS;
}

/** One that another user owns cannot be marked as used, and the clean-up may take it: it is written anew. */
function isGone(error: unknown): boolean {
  return ['ENOENT', 'EPERM'].includes(errorCode(error) ?? '');
}
