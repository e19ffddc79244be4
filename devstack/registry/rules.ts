import { canonicalJson } from '../../contract';
import { now } from './clock';
import { afterwards } from './resource';
import type { Change, Derivation, Rule } from './resource';

/** A frozen field of an operational row may be repeated, but not changed. */
export const frozenInOperation: Rule = ({ resource, existing, values }) => {
  if (existing?.state !== 'OPERATION') return null;
  const changed = Object.keys(values).filter((name) => canonicalJson(values[name]) !== canonicalJson(existing[name]));
  return changed.some((name) => !resource.editableInOperation?.includes(name))
    ? 'User cannot update non editable fields in Operation mode'
    : null;
};

/** A URL needs its hash and a hash its URL. */
export function wholePair(url: string, hash: string, words: { required: string; lonely: string }): Rule {
  return (change) => {
    const row = afterwards(change);
    if (row[url] !== '' && row[hash] === '') return `${words.required} require a file hash`;
    return row[url] === '' && row[hash] !== '' ? `${words.lonely} hash should not be given without a URL` : null;
  };
}

/** Two requests of one user at once take turns, so that the second sees the first's benchmark. */
export const onePendingBenchmark: Rule = async ({ caller: { sql, user } }) => {
  await sql.query('select id from users where id = $1 for update', [user.id]);
  const pending = await sql.query("select 1 from benchmarks where owner = $1 and approval_status = 'PENDING'", [
    user.id,
  ]);
  return pending.length > 0 ? 'User can own at most one pending benchmark' : null;
};

/** The columns of a benchmark that name what it consists of, with the table of each. */
export type BenchmarkParts = Readonly<Record<string, 'mlcubes' | 'models'>>;

/** A benchmark becomes operational only when its parts are; a PUT is judged by the parts that are stored. */
export function operationalParts(parts: BenchmarkParts, what: string): Rule {
  return async (change) => {
    if (change.values.state !== 'OPERATION') return null;
    for (const [column, table] of Object.entries(parts)) {
      const id = (change.existing ?? change.values)[column];
      const development = `select 1 from ${table} where id = $1 and state = 'DEVELOPMENT'`;
      if ((await change.caller.sql.query(development, [id])).length > 0) {
        return `User cannot mark a benchmark as operational if its ${what} are not operational`;
      }
    }
    return null;
  };
}

export const benchmarkDecision: Rule = ({ existing, values: { approval_status: status } }) => {
  if (status === 'PENDING') return 'User can only approve or reject a benchmark';
  return status === 'APPROVED' && existing?.approval_status === 'REJECTED'
    ? 'User can approve only a pending request'
    : null;
};

/** When a row became approved or rejected: stamped each time that its status changes to one of these. */
export const stampDecision: Derivation = ({ existing, values: { approval_status: status } }) => {
  const before = existing?.approval_status ?? 'PENDING';
  return status !== undefined && status !== 'PENDING' && status !== before ? { approved_at: now() } : {};
};

export const SAME_GENERATED_UID = 'An Operational dataset with the same generated UID already exists';

export const newGeneratedUid: Rule = async (change) => {
  const { caller, existing, values } = change;
  if (values.state !== 'OPERATION' || existing?.state === 'OPERATION') return null;
  const same = await caller.sql.query("select 1 from datasets where generated_uid = $1 and state = 'OPERATION'", [
    afterwards(change).generated_uid,
  ]);
  return same.length > 0 ? SAME_GENERATED_UID : null;
};

/** Which column of a benchmark holds the reference model, and where the associations of models are. */
export interface ResultChecks {
  readonly referenceModel: string;
  readonly modelColumn: string;
  /** A result of the reference model is taken whatever its dataset. */
  readonly referenceFreesDataset: boolean;
}

/** A result's model and dataset must be associated with its benchmark, and the newest associations be approved. */
export function associatedResult(checks: ResultChecks): Rule {
  return async (change) => {
    const { benchmark, model, dataset } = afterwards(change);
    const { sql } = change.caller;
    const text = `select ${checks.referenceModel} as reference from benchmarks where id = $1`;
    const isReference = (await sql.query(text, [benchmark]))[0]?.reference === model;
    if (isReference && checks.referenceFreesDataset) return null;
    const modelRows = { table: 'model_associations', column: checks.modelColumn };
    const refusal = isReference ? null : await unlessApproved(change, 'Model', modelRows, model, benchmark);
    const datasetRows = { table: 'dataset_associations', column: 'dataset' };
    return refusal ?? unlessApproved(change, 'Dataset', datasetRows, dataset, benchmark);
  };
}

async function unlessApproved(
  { caller }: Change,
  what: string,
  { table, column }: { table: string; column: string },
  component: unknown,
  benchmark: unknown,
): Promise<string | null> {
  const text = `select approval_status from ${table} where ${column} = $1 and benchmark = $2 order by created_at desc limit 1`;
  const [newest] = await caller.sql.query(text, [component, benchmark]);
  if (newest === undefined) return `${what} must be associated to the benchmark`;
  return newest.approval_status === 'APPROVED' ? null : `${what}-Benchmark association must be approved`;
}
