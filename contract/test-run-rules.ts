import { MedperfError } from './failures';
import type { TestRunInput } from './test-run';
import { stepsToRepeat } from './test-steps';

export type DataSource = 'raw' | 'demo' | 'benchmark';

export type TestRunArguments = Pick<
  TestRunInput,
  | 'benchmark'
  | 'model'
  | 'dataPreparator'
  | 'evaluator'
  | 'demoDatasetUrl'
  | 'demoDatasetHash'
  | 'rawData'
  | 'rawLabels'
  | 'noCache'
>;

interface Rule {
  readonly broken: (given: Given) => boolean;
  readonly what: string;
  readonly next: string;
}

type Given = Readonly<Record<Exclude<keyof TestRunArguments, 'noCache'>, boolean>>;

/**
 * MedPerf's rules on combinations, in its order (reference: medperf.md, 5.1), without prepared datasets by id. The last
 * two refuse what MedPerf takes and then ignores.
 */
const RULES: readonly Rule[] = [
  {
    broken: (given) => !given.model && !given.benchmark,
    what: 'Neither a model nor a benchmark is given.',
    next: 'give --model, or --benchmark to test its reference model.',
  },
  {
    broken: (given) => !given.evaluator && !given.benchmark,
    what: 'Neither a metrics cube nor a benchmark is given.',
    next: 'give --evaluator, or --benchmark to take its own.',
  },
  {
    broken: (given) => given.rawData && !given.rawLabels,
    what: 'Raw data is given without its labels.',
    next: 'give --labels_path as well.',
  },
  {
    broken: (given) => given.rawData && (given.demoDatasetUrl || given.demoDatasetHash),
    what: 'Raw data and a demo dataset are both given.',
    next: 'pass only one data source: --data_path with --labels_path, or --demo_dataset_url with --demo_dataset_hash.',
  },
  {
    broken: (given) => given.rawData && !given.dataPreparator && !given.benchmark,
    what: 'Raw data has to be prepared, and no data preparator is given.',
    next: 'give --data_preparation, or --benchmark to take its own.',
  },
  {
    broken: (given) => given.demoDatasetUrl && !given.demoDatasetHash,
    what: 'A demo dataset is given without its hash.',
    next: 'give --demo_dataset_hash as well: the SHA-256 of the archive.',
  },
  {
    broken: (given) => given.demoDatasetUrl && given.rawLabels,
    what: 'A demo dataset and raw labels are both given.',
    next: 'pass only one data source: --demo_dataset_url with its hash, or --data_path with --labels_path.',
  },
  {
    broken: (given) => given.demoDatasetUrl && !given.dataPreparator && !given.benchmark,
    what: 'The demo dataset has to be prepared, and no data preparator is given.',
    next: 'give --data_preparation, or --benchmark to take its own.',
  },
  {
    broken: (given) => !given.rawData && !given.demoDatasetUrl && !given.benchmark,
    what: 'No data source is given.',
    next: 'give --benchmark, --demo_dataset_url with its hash, or --data_path with --labels_path.',
  },
  {
    broken: (given) =>
      given.benchmark &&
      (given.rawData || given.demoDatasetUrl) &&
      given.model &&
      given.evaluator &&
      given.dataPreparator,
    what: 'Everything that the benchmark would give is given otherwise, so it would not be used.',
    next: 'leave --benchmark out, or one of the others.',
  },
  {
    broken: (given) => given.rawLabels && !given.rawData,
    what: 'Labels are given without the data they belong to.',
    next: 'give --data_path as well, or leave --labels_path out.',
  },
  {
    broken: (given) => given.demoDatasetHash && !given.demoDatasetUrl,
    what: "A demo dataset's hash is given without its URL.",
    next: 'give --demo_dataset_url as well, or leave --demo_dataset_hash out.',
  },
];

/**
 * Checks which arguments of a test run are given together and says where the data comes from.
 * @throws MedperfError `InvalidRequest` with the first broken rule, or for an unknown step in `noCache`.
 */
export function checkTestRunArguments(input: TestRunArguments): DataSource {
  const given: Given = {
    benchmark: input.benchmark !== undefined,
    model: input.model !== undefined,
    dataPreparator: input.dataPreparator !== undefined,
    evaluator: input.evaluator !== undefined,
    demoDatasetUrl: input.demoDatasetUrl !== undefined,
    demoDatasetHash: input.demoDatasetHash !== undefined,
    rawData: input.rawData !== undefined,
    rawLabels: input.rawLabels !== undefined,
  };
  const broken = RULES.find((rule) => rule.broken(given));
  if (broken !== undefined) throw new MedperfError('InvalidRequest', { what: broken.what, next: broken.next });
  stepsToRepeat(input.noCache);
  if (given.rawData) return 'raw';
  return given.demoDatasetUrl ? 'demo' : 'benchmark';
}
