import { constants } from 'node:fs';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';

/** In any output folder of a run; its first line says how far the task is. */
export const PROGRESS_FILE = '.medperf-progress';

const FILE_BYTES = 64;
const LINE = /^\s*progress\s*:(.*)$/i;
const VALUE = /^\s*(\d{1,15}(?:\.\d{1,9})?)\s*(?:\/\s*(\d{1,15}(?:\.\d{1,9})?)|%)\s*$/;

/** What the newest of these lines that reports progress says, from 0 to 1; null when none does. */
export function reportedShare(lines: readonly string[]): number | null {
  for (const line of lines.toReversed()) {
    const share = parseShare(LINE.exec(line)?.[1] ?? '');
    if (share !== null) return share;
  }
  return null;
}

/** `37/200` or `18.5%` as a share from 0 to 1; null for anything else. */
export function parseShare(text: string): number | null {
  const found = VALUE.exec(text);
  if (found === null) return null;
  const [current, total] = [Number(found[1]), Number(found[2] ?? 100)];
  return total > 0 ? Math.min(1, current / total) : null;
}

/**
 * What the progress file in an output folder says; null without one or for one that does not say it plainly. The container
 * may have put anything there: no link is followed, nothing but a plain file is read, and of that a few bytes.
 */
export async function readProgressFile(folder: string): Promise<number | null> {
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;
  const file = await fs.open(path.join(folder, PROGRESS_FILE), flags).catch(() => null);
  if (file === null) return null;
  try {
    if (!(await file.stat()).isFile()) return null;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(FILE_BYTES), 0, FILE_BYTES, 0);
    return parseShare(buffer.toString('latin1', 0, bytesRead).split('\n', 1)[0] ?? '');
  } catch {
    return null;
  } finally {
    await file.close();
  }
}
