import type { BenchmarkFacts } from './benchmarks';
import type { Digest } from './digests';
import type { Need } from './progress';
import type { TestRunResult } from './test-run';
import type { NoCache } from './test-steps';

/** Id of the activity that looks for the committee's decision again and again. */
export const COMMITTEE_STEP = 'committee';

export type Decision = 'APPROVED' | 'REJECTED';

/**
 * What a compatibility test reads, as far as the registry tells: the same as long as a test would read the same. Names,
 * states, and where files lie whose hashes are recorded do not count.
 */
export interface TestSubject {
  /** Of the benchmark, its cubes, its reference model and its demo data. */
  readonly benchmark: Digest;
  /** Null for a model that is not registered yet. */
  readonly model: Digest | null;
}

export function isSameSubject(one: TestSubject, other: TestSubject): boolean {
  return one.benchmark === other.benchmark && one.model === other.model;
}

export interface PairInput {
  readonly profile: string;
  readonly benchmark: number;
  readonly modelUid: number;
}

export interface CheckAssociationInput {
  readonly profile: string;
  readonly benchmark: number;
  /** By uid, or for a model that is to be registered, by the name it shall have. */
  readonly model: { readonly uid: number } | { readonly name: string };
  readonly again: boolean;
}

/** What the registry would answer to a request, found out before an expensive test. */
export interface AssociationStanding {
  readonly modelName: string;
  readonly benchmark: BenchmarkFacts;
  readonly subject: TestSubject;
  /** `none`: a request may be made; the others are the newest row of the pair. */
  readonly current: 'none' | 'pending' | 'approved' | 'rejected';
  /** When the pair's newest row was made, as the registry writes it; null when there is none. */
  readonly newest: string | null;
}

/** A pair and what of it was tested. */
export interface TestedPairInput extends PairInput {
  readonly subject: TestSubject;
}

export interface RequestAssociationInput extends TestedPairInput {
  /** When the newest row was made that is known to be over; a later one of one's own stands for this request. */
  readonly newest: string | null;
  /** Blob: the results as JSON; becomes the request's `metadata.test_result`. */
  readonly results: Digest;
}

/** How long a run waits for the committee. */
export interface CommitteeWaiting {
  /** The request is withdrawn when there is no decision so many milliseconds after the run began to wait; else never. */
  readonly approvalDeadlineMs?: number;
  /** Milliseconds to the first reminder, {@link FIRST_REMINDER_MS} when absent; those after it come after growing waits. */
  readonly remindAfterMs?: number;
}

const DAY_MS = 24 * 60 * 60 * 1000;
export const FIRST_REMINDER_MS = DAY_MS;
/** Reminders come no rarer than this, unless the first was to come later. */
export const LONGEST_REMINDER_MS = 7 * DAY_MS;

/** What somebody is reminded of. */
export interface Reminder extends Pick<Need, 'what' | 'from' | 'message' | 'until'> {
  readonly since: string;
  /** Counts from 1. */
  readonly count: number;
  readonly benchmark: number;
  readonly modelUid: number;
}

export interface RemindResult {
  /** False where the worker has no place to send reminders to. */
  readonly sent: boolean;
}

/** One look at the committee's decision, while the registry tells that the test still holds. */
export type CommitteeLook =
  { readonly decision: Decision } | { readonly decision: null; readonly changedTo: TestSubject };

/** What is to be tested before a change can be made in the registry that rests on a test; null when it was made. */
export interface MadeWhileTestHolds {
  readonly changedTo: TestSubject | null;
}

/** A request that is in the registry, whatever has been decided on it, or what is to be tested before it can be made. */
export type RequestResult =
  | {
      readonly changedTo: null;
      /** False for one that the user made otherwise meanwhile, with other results. */
      readonly carriesResults: boolean;
    }
  | { readonly changedTo: TestSubject };

export interface WithdrawInput extends PairInput {
  /** When the newest row was made that is known to be over, as the registry writes it; null for none. */
  readonly over: string | null;
}

export interface WithdrawResult {
  /** The committee's, where it came first. */
  readonly decision: Decision | null;
  /** As {@link WithdrawInput.over}, afterwards. */
  readonly over: string | null;
}

export interface ApproveInput extends PairInput {
  readonly noCache?: NoCache;
  readonly noReference?: boolean;
  /** GPUs for the model's infer task, a count; 0 or absent is none. */
  readonly gpus?: number;
}

export interface ApproveResult {
  readonly benchmark: number;
  readonly modelUid: number;
  readonly decision: 'APPROVED';
  /** Null when the request was approved before. */
  readonly test: TestRunResult | null;
}

/** A request as its committee finds it. */
export interface RequestStanding {
  readonly modelName: string;
  readonly benchmark: BenchmarkFacts;
  readonly subject: TestSubject;
  readonly current: 'pending' | 'approved';
}
