import { parse } from 'yaml';
import { canonicalJson, HEADLINE_ENTRIES, MedperfError, toMedperfHash } from '../contract';
import type {
  Cube,
  DataAndLabels,
  Digest,
  EvaluatedModel,
  Headline,
  ModelResult,
  RecordedReport,
  RecordReportInput,
} from '../contract';
import { foldersHash } from '../mlcube/folders-hash';
import type { Store } from '../store/store';

const MAX_RESULTS_BYTES = 4 * 1024 * 1024;

/** Writes the report as MedPerf keeps it. The same test gives the same bytes, so a report is its own identity. */
export async function recordReport(store: Store, input: RecordReportInput): Promise<RecordedReport> {
  const candidate = await modelResult(store, input.candidate);
  const preparedDataHash = await preparedHash(store, input.prepared);
  const record = {
    demo_dataset_url: input.demoDatasetUrl,
    demo_dataset_hash: input.demoDatasetHash,
    prepared_data_hash: preparedDataHash,
    data_preparation_mlcube: cubeIdentity(input.dataPreparator),
    model: cubeIdentity(input.candidate.cube),
    data_evaluator_mlcube: cubeIdentity(input.evaluator),
    results: await readResults(store, candidate.results),
  };
  const report = await store.putBytes(canonicalJson(record));
  const reference = input.reference === null ? null : await modelResult(store, input.reference);
  return { report: report.digest, candidate: candidate, reference, preparedDataHash };
}

/** A registered cube by its uid, another by its content, as in MedPerf's reports. */
function cubeIdentity(cube: Cube): number | string {
  return cube.uid ?? toMedperfHash(cube.tree);
}

async function modelResult(store: Store, { cube, evaluation, log }: EvaluatedModel): Promise<ModelResult> {
  const results = sanitised(parse((await store.readBytes(evaluation, MAX_RESULTS_BYTES)).toString('utf8')));
  const blob = await store.putBytes(canonicalJson(results));
  return { model: cube.name, results: blob.digest, headline: headline(results), log };
}

async function readResults(store: Store, results: Digest): Promise<unknown> {
  return JSON.parse((await store.readBytes(results, MAX_RESULTS_BYTES)).toString('utf8'));
}

/** JSON has no NaN or infinity; MedPerf writes these words (reference: medperf.md, 5.3). */
export function sanitised(value: unknown): unknown {
  if (typeof value === 'number' && Number.isNaN(value)) return 'nan';
  if (value === Infinity) return 'Infinity';
  if (value === -Infinity) return '-Infinity';
  if (Array.isArray(value)) return value.map(sanitised);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, sanitised(item)]));
  }
  return value;
}

/** The first numbers of a result, by dotted path. */
export function headline(results: unknown): Headline {
  const found: Record<string, number> = {};
  const visit = (value: unknown, path: string): void => {
    if (Object.keys(found).length >= HEADLINE_ENTRIES) return;
    if (typeof value === 'number') found[path] = value;
    else if (typeof value === 'object' && value !== null) {
      for (const [key, item] of Object.entries(value)) visit(item, path === '' ? key : `${path}.${key}`);
    }
  };
  visit(results, '');
  return found;
}

async function preparedHash(store: Store, { data, labels }: DataAndLabels): Promise<string> {
  const hashes = [...(await fileHashes(store, data)), ...(await fileHashes(store, labels))];
  return foldersHash(hashes);
}

async function fileHashes(store: Store, tree: Digest): Promise<string[]> {
  const hashes: string[] = [];
  for (const entry of Object.values(await store.listDirectory(tree))) {
    if (entry.kind === 'file') hashes.push(toMedperfHash(entry.digest));
    else hashes.push(...(await fileHashes(store, entry.digest)));
  }
  return hashes;
}

/** Refuses an evaluation that is no YAML mapping, as MedPerf does. */
export function requireMapping(text: string, what: string): void {
  let value: unknown;
  try {
    value = parse(text);
  } catch (cause) {
    throw new MedperfError(
      'IncompatibleModel',
      { what, expected: 'YAML', found: 'text that does not parse', next: 'look at the log of the task.' },
      { cause },
    );
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return;
  throw new MedperfError('IncompatibleModel', {
    what,
    expected: 'a YAML mapping',
    found: value === null ? 'an empty file' : Array.isArray(value) ? 'a list' : typeof value,
    next: "mend the cube's task so that it writes a mapping.",
  });
}
