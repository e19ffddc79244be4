import { z } from 'zod';
import { MedperfError } from '../contract';
import type { RunLimits } from './engine';

/**
 * Why the engine ended a container itself: a limit of the run, or the host's disk, which was nearly full while it went on
 * writing. Kept as a fact, since the daemon does not know it.
 */
export const EndedBySchema = z.enum(['wallClock', 'idle', 'logBytes', 'outputBytes', 'outputFiles', 'hostDisk']);
export type EndedBy = z.infer<typeof EndedBySchema>;

/** How a container ended, as far as the daemon tells. */
export interface ContainerEnd {
  readonly endedBy: EndedBy | null;
  readonly exitCode: number;
  readonly outOfMemory: boolean;
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly outputsFull: 'outputBytes' | 'outputFiles' | false;
}

const KILLED_BY_FILE_SIZE = 153;

/**
 * The limit that ended the container, or null. Judged from facts and what the daemon remembers and not from who stopped it,
 * so that a worker that attaches afterwards comes to the same answer. `EngineUnavailable` is the host's failure: the run has
 * to be released and done anew.
 */
export function limitFailure(end: ContainerEnd, limits: RunLimits, log: readonly string[]): MedperfError | null {
  if (end.endedBy === 'hostDisk') return diskNearlyFull();
  const key = exceededLimit(end.endedBy, end, limits);
  if (key === null) return null;
  const { did, unit, remedy } = TEXTS[key];
  const value = key.endsWith('Ms') ? limits[key] / 1000 : limits[key];
  return new MedperfError('ContainerFailed', {
    what: `The container ${did} than its limit allows.`,
    expected: `at most ${value} ${unit} (limits.${key})`,
    next: `Either ${remedy}, or ask the operator to raise limits.${key} in the policy.`,
    log,
  });
}

type LimitKey = 'wallClockMs' | 'idleMs' | 'memoryBytes' | 'logBytes' | 'outputBytes' | 'outputFiles';

const TEXTS: Readonly<Record<LimitKey, { did: string; unit: string; remedy: string }>> = {
  wallClockMs: { did: 'ran longer', unit: 'seconds', remedy: 'make the task faster' },
  idleMs: { did: 'was idle longer', unit: 'seconds without a log line, output or CPU', remedy: 'make the task print' },
  memoryBytes: { did: 'needed more memory', unit: 'bytes of memory', remedy: 'make the task need less' },
  logBytes: { did: 'wrote more log', unit: 'bytes of log', remedy: 'print less' },
  outputBytes: { did: 'wrote larger outputs', unit: 'bytes of outputs', remedy: 'make the task write less' },
  outputFiles: { did: 'wrote more files', unit: 'files and folders of outputs', remedy: 'make the task write fewer' },
};

function exceededLimit(by: OwnLimit | null, end: ContainerEnd, limits: RunLimits): LimitKey | null {
  if (by !== null) return KEYS[by];
  const tookMs = Date.parse(end.finishedAt) - Date.parse(end.startedAt);
  if (tookMs >= limits.wallClockMs) return 'wallClockMs';
  if (end.outOfMemory && end.exitCode !== 0) return 'memoryBytes';
  if (end.exitCode === KILLED_BY_FILE_SIZE) return 'outputBytes';
  return end.exitCode !== 0 && end.outputsFull !== false ? end.outputsFull : null;
}

type OwnLimit = Exclude<EndedBy, 'hostDisk'>;

const KEYS: Readonly<Record<OwnLimit, LimitKey>> = {
  wallClock: 'wallClockMs',
  idle: 'idleMs',
  logBytes: 'logBytes',
  outputBytes: 'outputBytes',
  outputFiles: 'outputFiles',
};

function diskNearlyFull(): MedperfError {
  return new MedperfError('EngineUnavailable', {
    what: "The container was stopped because the disk of this host's work directory was nearly full.",
    next: 'Free some space on that disk; the task is run again by itself.',
  });
}
