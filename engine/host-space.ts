import { MedperfError } from '../contract';
import { reservedBytes } from '../store/host-space';
import type { HostSpace } from '../store/host-space';

const GIB = 1024 ** 3;

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
