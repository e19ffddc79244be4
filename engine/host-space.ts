import * as fs from 'node:fs/promises';
import { MedperfError } from '../contract';

const GIB = 1024 ** 3;

/** Bytes of the file system that holds a folder. */
export interface HostSpace {
  readonly totalBytes: number;
  readonly freeBytes: number;
}

export async function readHostSpace(folder: string): Promise<HostSpace> {
  const { bsize, blocks, bavail } = await fs.statfs(folder);
  return { totalBytes: blocks * bsize, freeBytes: bavail * bsize };
}

/** What must be free for a run to begin: 5 % of the disk, but at least 1 GiB and at most 10 GiB. */
export function reservedBytes(space: HostSpace): number {
  return Math.min(Math.max(space.totalBytes * 0.05, GIB), 10 * GIB);
}

/** Half of what a run needs to begin is left: those that go on writing have to end before the disk is full. */
export function isNearlyFull(space: HostSpace): boolean {
  return space.freeBytes < reservedBytes(space) / 2;
}

/**
 * Throws `EngineUnavailable` where no run should begin. A limit larger than what is free is no reason: limits are
 * generous, and most runs write little.
 */
export function requireSpace(space: HostSpace, outputBytes: number): void {
  const reserved = reservedBytes(space);
  if (space.freeBytes >= reserved) return;
  throw new MedperfError('EngineUnavailable', {
    what: "The disk of this host's work directory is nearly full.",
    expected: `at least ${gib(reserved)} free before a run begins, which may write ${gib(outputBytes)}`,
    found: gib(space.freeBytes),
    next: 'Free some space on that disk; the step is tried again by itself.',
  });
}

function gib(bytes: number): string {
  return `${(bytes / GIB).toPrecision(3)} GiB`;
}
