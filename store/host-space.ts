import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';

const GIB = 1024 ** 3;

/** Bytes of the file system that holds a folder. */
export interface HostSpace {
  readonly totalBytes: number;
  readonly freeBytes: number;
}

/** Of the folder, or of what there is of the path to it. */
export async function readHostSpace(folder: string): Promise<HostSpace> {
  for (let place = folder; ; place = dirname(place)) {
    const found = await statfs(place).catch((error: unknown) => {
      if (place === dirname(place)) throw error;
      return null;
    });
    if (found !== null) return { totalBytes: found.blocks * found.bsize, freeBytes: found.bavail * found.bsize };
  }
}

/** What stays free on a disk: 5 % of it, but at least 1 GiB and at most 10 GiB. */
export function reservedBytes(space: HostSpace): number {
  return Math.min(Math.max(space.totalBytes * 0.05, GIB), 10 * GIB);
}
