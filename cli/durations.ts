import { InvalidArgumentError } from 'commander';
import { msToNumber } from '@temporalio/common/lib/time';

const DURATION = /^\d+(\.\d+)?\s*(s|m|h|d|w|seconds?|minutes?|hours?|days?|weeks?)$/;
const SECOND_MS = 1000;
const YEAR_MS = 366 * 24 * 60 * 60 * 1000;

/** Parses a time such as `36h`, `3d` or `"2 weeks"` to milliseconds. */
export function duration(text: string): number {
  const milliseconds = DURATION.test(text) ? msToNumber(text as Parameters<typeof msToNumber>[0]) : 0;
  if (milliseconds >= SECOND_MS && milliseconds <= YEAR_MS) return Math.round(milliseconds);
  throw new InvalidArgumentError('Expected a time from a second to a year with its unit, such as 36h, 3d or 2w.');
}
