import type { Cube } from './cubes';
import type { SharedRun, StepProgress } from './progress';
import type { DataAndLabels, EvaluatedModel, IdentifiedCube, RunTaskResult } from './steps';
import type { TestStep } from './test-steps';

/** What every part of a test needs to know of the run. */
export interface TestSettings {
  readonly offline: boolean;
  /** GPUs for infer tasks. */
  readonly gpus: number;
  /** For the operator's policy. */
  readonly benchmark: number | null;
  /** Whose results may be reused: of everybody, or of the user of this name alone. */
  readonly scope: string | null;
}

/** Data still to be fetched, with its trees where they are remembered under the hash. */
export interface DemoData {
  readonly url: string;
  readonly hash: string;
  readonly known: DataAndLabels | null;
}

/** What the tests of several models share, and so is done once however many ask at the same time. */
export type BenchmarkBaseInput = PreparedDataInput | ReferenceRunInput;

/** Prepares data, and checks and counts what was prepared. */
export interface PreparedDataInput extends TestSettings {
  readonly part: 'prepared-data';
  readonly dataPreparator: IdentifiedCube;
  readonly data: DemoData | DataAndLabels;
  /** The data is prepared already. */
  readonly prepared: boolean;
}

/** Evaluates the reference model on data that is prepared. */
export interface ReferenceRunInput extends TestSettings {
  readonly part: 'reference-run';
  readonly reference: IdentifiedCube;
  readonly evaluator: IdentifiedCube;
  readonly data: DemoData | DataAndLabels;
}

/** A container step and what came of it. */
export interface TestStepResult {
  readonly step: TestStep;
  readonly result: RunTaskResult;
}

export interface BenchmarkBaseResult {
  readonly dataPreparator: Cube | null;
  readonly prepared: DataAndLabels | null;
  readonly reference: EvaluatedModel | null;
  readonly runs: readonly TestStepResult[];
  /** The shared run's own steps, as it showed them. */
  readonly steps: readonly StepProgress[];
}

export interface JoinedBase extends BenchmarkBaseResult {
  readonly shared: SharedRun;
}
