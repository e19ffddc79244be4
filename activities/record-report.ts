import { canonicalJson, HEADLINE_ENTRIES, toMedperfHash } from '../contract';
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
import { digestOf } from './action-key';
import { readResultFile } from './result-file';

const HEADLINE_NAME = 120;

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
  const recorded = { report: report.digest, candidate, reference, preparedDataHash };
  // So that the store keeps what people look at when the run has long ended.
  await store.writeRecord(`reports/${report.digest}`, recorded);
  return recorded;
}

/** A registered cube by its uid, another by its content, as in MedPerf's reports. */
function cubeIdentity(cube: Cube): number | string {
  return cube.uid ?? toMedperfHash(cube.tree);
}

async function modelResult(store: Store, { cube, evaluation, log }: EvaluatedModel): Promise<ModelResult> {
  const results = await readResultFile(store, evaluation, `The evaluation of ${cube.name} cannot be used.`);
  const blob = await store.putBytes(canonicalJson(results));
  return { model: cube.name, results: blob.digest, headline: headline(results), log };
}

async function readResults(store: Store, results: Digest): Promise<unknown> {
  return JSON.parse((await store.readBytes(results)).toString('utf8'));
}

/** The first numbers of a result, by dotted path; those with names that nobody would read are left out. */
export function headline(results: unknown): Headline {
  const found: Record<string, number> = {};
  const visit = (value: unknown, path: string): void => {
    if (Object.keys(found).length >= HEADLINE_ENTRIES || path.length > HEADLINE_NAME) return;
    if (typeof value === 'number') found[path] = value;
    else if (typeof value === 'object' && value !== null) {
      for (const [key, item] of Object.entries(value)) visit(item, path === '' ? key : `${path}.${key}`);
    }
  };
  visit(results, '');
  return found;
}

/** Remembered, so that a test whose results are all known needs nothing of the data itself. */
async function preparedHash(store: Store, trees: DataAndLabels): Promise<string> {
  const record = `folder-hashes/${digestOf(trees)}`;
  const known = await store.readRecord(record);
  if (typeof known === 'string') return known;
  const hashes = [...(await fileHashes(store, trees.data)), ...(await fileHashes(store, trees.labels))];
  const hash = foldersHash(hashes);
  await store.writeRecord(record, hash);
  return hash;
}

async function fileHashes(store: Store, tree: Digest): Promise<string[]> {
  const hashes: string[] = [];
  for (const entry of Object.values(await store.listDirectory(tree))) {
    if (entry.kind === 'file') hashes.push(toMedperfHash(entry.digest));
    else hashes.push(...(await fileHashes(store, entry.digest)));
  }
  return hashes;
}
