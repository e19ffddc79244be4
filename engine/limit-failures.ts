import { MedperfError } from '../contract';
import type { RunLimits } from './engine';

/** How a container ended, as far as the daemon tells. */
export interface ContainerEnd {
  readonly exitCode: number;
  readonly outOfMemory: boolean;
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly logCut: boolean;
  readonly outputsFull: boolean;
}

const KILLED_BY_FILE_SIZE = 153;

/**
 * The limit that ended the container, or null. Judged from what the daemon remembers and not from who stopped it, so that
 * a worker that attaches afterwards comes to the same answer.
 */
export function limitFailure(end: ContainerEnd, limits: RunLimits, log: readonly string[]): MedperfError | null {
  const tookMs = Date.parse(end.finishedAt) - Date.parse(end.startedAt);
  if (end.logCut) return failure('wrote more log', `${limits.logBytes} bytes of log`, 'print less', log);
  if (tookMs >= limits.wallClockMs) {
    return failure('ran longer', `${limits.wallClockMs / 1000} seconds`, 'make the task faster', log);
  }
  if (end.outOfMemory && end.exitCode !== 0) {
    return failure('needed more memory', `${limits.memoryBytes} bytes of memory`, 'make the task need less', log);
  }
  if (end.exitCode === KILLED_BY_FILE_SIZE || (end.exitCode !== 0 && end.outputsFull)) {
    return failure('wrote larger outputs', `${limits.outputBytes} bytes of outputs`, 'make the task write less', log);
  }
  return null;
}

function failure(did: string, limit: string, remedy: string, log: readonly string[]): MedperfError {
  return new MedperfError('ContainerFailed', {
    what: `The container ${did} than its limit allows.`,
    expected: `at most ${limit}`,
    next: `Either ${remedy}, or ask the operator to raise this limit in the policy.`,
    log,
  });
}
