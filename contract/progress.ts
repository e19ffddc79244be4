import type { WorkflowName } from './names';
import type { CacheMiss } from './reuse';

export const STAGES = ['test', 'package', 'host', 'submit', 'associate', 'approve'] as const;
export type Stage = (typeof STAGES)[number];

export type Outcome =
  | 'passed'
  | 'prepared'
  | 'evaluated'
  | 'packaged'
  | 'hosted'
  | 'checked'
  | 'registered'
  | 'approved'
  | 'rejected'
  | 'declined'
  | 'expired'
  | 'failed'
  | 'cancelled';

export type StepStatus = 'waiting' | 'running' | 'done' | 'failed' | 'cancelled';

/** What a workflow knows of itself; the answer of the `progress` query, one shape for all. Times are ISO 8601. */
export interface Progress {
  readonly workflow: WorkflowName;
  /** The model's name or label. */
  readonly model: string;
  readonly benchmark: string | null;
  readonly stage: Stage | null;
  readonly stages: readonly StageProgress[];
  readonly needs: readonly Need[];
  readonly outcome: Outcome | null;
}

export interface StageProgress {
  readonly stage: Stage;
  readonly status: StepStatus;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly steps: readonly StepProgress[];
}

/** A run that several wait for, as one of them knows it. */
export interface SharedRun {
  readonly id: string;
  readonly runId: string;
}

export interface StepProgress {
  /** Says what happens in the tutorial's words, such as `infer with my-model`. */
  readonly name: string;
  readonly status: StepStatus;
  readonly startedAt: string;
  readonly endedAt: string | null;
  /** Activity id, by which the server's pending activities are matched. */
  readonly activityId?: string;
  readonly host?: string;
  /** True when an earlier result was taken instead of running. */
  readonly reused?: boolean;
  readonly detail?: string;
  /** The run in which the step was done, where several share it. */
  readonly shared?: SharedRun;
  /** That run's own steps. */
  readonly steps?: readonly StepProgress[];
}

/** Something that a person has to do before the workflow goes on. */
export interface Need {
  readonly what: 'confirmation' | 'committee-decision';
  readonly from: string;
  readonly since: string;
  readonly message: string;
  /** When the run stops waiting for it; absent when it never does. */
  readonly until?: string;
  readonly reminders?: Reminders;
}

/** How often somebody was reminded of a need. */
export interface Reminders {
  readonly count: number;
  readonly last: string;
  /** False where the last one went nowhere but here: no worker knows a place for it, or the place did not take it. */
  readonly sent: boolean;
}

/** What an activity tells through its heartbeat; merged into the progress by the client. */
export interface Heartbeat {
  readonly host?: string;
  readonly container?: string;
  /** ISO 8601; when the container started, whichever attempt started it. */
  readonly startedAt?: string;
  /** Name under which the container's log is recorded in the store while it runs. */
  readonly log?: string;
  readonly lastLogLine?: string;
  /** 0 to 1. */
  readonly share?: number;
  /** What the same task with the same image usually takes, where it ran before. */
  readonly usualSeconds?: number;
  readonly message?: string;
  /** Where servers keep unfinished uploads, by what is uploaded: the next attempt goes on with them. */
  readonly uploads?: Readonly<Record<string, string>>;
  /** The shared run that is waited for. */
  readonly shared?: SharedRun;
  /** Why a container runs although its task ran before. */
  readonly miss?: CacheMiss;
}
