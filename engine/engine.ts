import type { Action, ActionResult, BlobRef, Digest } from '../contract';

export interface RunLimits {
  readonly memoryBytes: number;
  readonly cpus: number;
  readonly pids: number;
  readonly wallClockMs: number;
  /** Longest time without a log line, growing outputs or use of the processor. */
  readonly idleMs: number;
  readonly outputBytes: number;
  readonly outputFiles: number;
  readonly logBytes: number;
  readonly tmpBytes: number;
  readonly shmBytes: number;
}

/** What a container is named by. */
export interface RunKey {
  readonly key: Digest;
  /** The asking workflow's id, first run id and step, in one text: the container's only owner. */
  readonly owner: string;
}

/** News of a run; each tells only what has changed. */
export interface RunProgress {
  readonly container?: string;
  /** ISO 8601, from the daemon. */
  readonly startedAt?: string;
  /** Name under which the log is recorded in the store while it is written. */
  readonly log?: string;
  readonly lastLogLine?: string;
  /** From 0 to 1, as the container reports it. */
  readonly share?: number;
  /** What the run waits for. */
  readonly message?: string;
}

export interface RunRequest extends RunKey {
  readonly action: Action;
  readonly labels: Readonly<Record<string, string>>;
  readonly gpus: number;
  readonly limits: RunLimits;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: RunProgress) => void;
}

export interface ImageRequest {
  readonly reference: string;
  /** Id that a registry record promises; the image found must have it. */
  readonly expectedId: Digest | null;
  /** A `docker load` archive to take the image from when it is absent. */
  readonly archive?: BlobRef;
  readonly offline: boolean;
  readonly signal: AbortSignal;
  /** `share` from 0 to 1 where the daemon tells sizes. */
  readonly onProgress: (progress: { message: string; share?: number }) => void;
}

export interface Execution {
  readonly workflowId: string;
  readonly runId: string;
}

export interface SweepRequest {
  /** Only what belongs to this namespace is looked at. */
  readonly namespaceId: string;
  /** Rejects where it cannot be known; what the execution owns is left then. */
  readonly isClosed: (owner: Execution) => Promise<boolean>;
  readonly signal: AbortSignal;
}

/** Names of what was removed, and of what should have been. */
export interface SweepReport {
  readonly containers: readonly string[];
  readonly folders: readonly string[];
  /** Executions that could not be asked about. */
  readonly unanswered: number;
  readonly failed: readonly { readonly name: string; readonly why: string }[];
}

/** Runs containers on one Docker daemon: trees of the store in, trees of the store out. */
export interface Engine {
  /** Stable name of this daemon, kept in a labelled volume there; fit for a task queue's name. */
  hostName(): Promise<string>;
  /** Throws `EngineUnavailable` while the daemon does not answer. */
  ping(signal?: AbortSignal): Promise<void>;
  /** False while a new run without a GPU would have to wait for others here. */
  hasRoom(): boolean;
  /** Number of GPUs that this host offers. */
  gpuCount(): number;
  /** Makes the image present and checks it; returns its config digest. */
  obtainImage(request: ImageRequest): Promise<Digest>;
  /**
   * Runs the action once. A container of the same key and owner is attached to instead of created again, so a retry after
   * a crash continues or collects what runs or ran. The result is returned, not recorded; a non-zero exit is a result,
   * refused outputs throw `ContainerFailed`. Aborting stops and removes the container.
   */
  run(request: RunRequest): Promise<ActionResult>;
  /** Removes the container and scratch of a run after its result is recorded; idempotent. */
  release(run: RunKey): Promise<void>;
  /** Removes what closed executions left on this host. */
  sweep(request: SweepRequest): Promise<SweepReport>;
  /** Lets go of every run: their containers go on, and `run` called again attaches to them. */
  close(): Promise<void>;
}
