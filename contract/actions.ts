import type { BlobRef, Digest } from './digests';

/** Everything that decides what a container run computes; no limits, host or device. */
export interface Action {
  readonly version: number;
  readonly imageId: Digest;
  readonly entrypoint: readonly string[] | null;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Mount target to the digest of the tree mounted there read-only. */
  readonly inputs: Readonly<Record<string, Digest>>;
  /** Mount target to the blob mounted there read-only, as a file by itself; absent where there are none. */
  readonly inputFiles?: Readonly<Record<string, Digest>>;
  /** Mount targets that are collected, by output name. */
  readonly outputs: Readonly<Record<string, ActionOutput>>;
}

export interface ActionOutput {
  /** Mount target inside the container: a directory unless `touched`. */
  readonly mount: string;
  /** For an output that is one file: its name in that directory. */
  readonly file?: string;
  /** The mount target itself is the file, which is there from the start and empty. */
  readonly touched?: true;
}

/** What a run left behind. Stored under its action's key; reused only when `exitCode` is 0. */
export interface ActionResult {
  readonly key: Digest;
  readonly exitCode: number;
  /** Output name to the digest of a tree, or of a blob for an output that is one file. */
  readonly outputs: Readonly<Record<string, Digest>>;
  readonly log: BlobRef;
  /** ISO 8601, from the Docker daemon. */
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly host: string;
  readonly resources: ResourceUse;
  /** Whether the outputs lay on a file system of their own size, or were watched from outside. */
  readonly outputBound: OutputBound;
}

export type OutputBound = 'filesystem' | 'watched';

/**
 * What a run took. All but the wall clock are sampled while it runs, so what its last moment took may be missing, and a
 * run shorter than the first sample shows zeros.
 */
export interface ResourceUse {
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly peakMemoryBytes: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
  /** Leased GPUs times wall-clock seconds. */
  readonly gpuSeconds: number;
}

/** Canonical text of an action: keys sorted at every level, no white space. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`;
  }
  return JSON.stringify(value);
}
