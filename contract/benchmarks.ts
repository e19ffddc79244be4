import type { CubeFormat } from './cubes';

/** What the test run and the association need to know of a benchmark. */
export interface BenchmarkFacts {
  readonly uid: number;
  readonly name: string;
  readonly approved: boolean;
  readonly operational: boolean;
  readonly demoDatasetUrl: string;
  readonly demoDatasetHash: string;
  /** The benchmark's demo data is prepared already (`metadata.demo_dataset_already_prepared`). */
  readonly demoDatasetPrepared: boolean;
  /** How its server describes cubes. */
  readonly format: CubeFormat;
  /** Uids of a cube, of a model and of a cube. */
  readonly dataPreparator: number;
  readonly referenceModel: number;
  readonly evaluator: number;
}
