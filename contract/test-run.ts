import type { CubeRef } from './cubes';
import type { Digest } from './digests';
import type { NoCache } from './test-steps';

/** The arguments of MedPerf's compatibility test (`medperf test run`); which may be combined says `test-run-rules.ts`. */
export interface TestRunInput {
  /** Name of the profile whose server and credentials the worker uses. */
  readonly profile: string;
  readonly benchmark?: number;
  readonly model?: CubeRef;
  readonly dataPreparator?: CubeRef;
  readonly evaluator?: CubeRef;
  readonly demoDatasetUrl?: string;
  /** Bare hex SHA-256 of the demo archive. */
  readonly demoDatasetHash?: string;
  /** Raw data and labels, already in the store. */
  readonly rawData?: Digest;
  readonly rawLabels?: Digest;
  readonly skipDemoDataPreparation?: boolean;
  /** Run containers again instead of reusing results: all, or those of the steps named. */
  readonly noCache?: NoCache;
  /** Use only records and files that the store already has. */
  readonly offline?: boolean;
  /** Leave out the benchmark's reference model. */
  readonly noReference?: boolean;
  /** GPUs for the model's infer task, a count; 0 or absent is none. */
  readonly gpus?: number;
}

/** Up to {@link HEADLINE_ENTRIES} numbers of a result, as `AUC.Edema → 0.93`; the whole is in the store. */
export type Headline = Readonly<Record<string, number>>;
export const HEADLINE_ENTRIES = 20;

export interface ModelResult {
  readonly model: string;
  /** Blob: the metrics' results as JSON. */
  readonly results: Digest;
  readonly headline: Headline;
  readonly log: Digest;
}

export interface TestRunResult {
  /** Blob: the report record as MedPerf keeps it, with results (JSON). */
  readonly report: Digest;
  readonly candidate: ModelResult;
  /** Beside the candidate for comparison; null when left out or when the candidate is the reference. */
  readonly reference: ModelResult | null;
  /** MedPerf's folder hash of the prepared data and labels. */
  readonly preparedDataHash: string;
  /** What was tested; the association takes the result over when nothing of it changed. */
  readonly tested: TestedBytes;
  /** True when no container was started. */
  readonly reused: boolean;
}

export interface TestedBytes {
  readonly tree: Digest;
  readonly imageId: Digest;
}
