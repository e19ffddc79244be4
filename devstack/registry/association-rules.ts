import { now } from './clock';
import type { Row, Sql } from './database';
import type { Change, Derivation, Rule } from './resource';

/** What is associated with benchmarks: where the rows are, and which column of theirs names it. */
export interface AssociationSide {
  readonly table: 'model_associations' | 'dataset_associations';
  readonly column: 'model_mlcube' | 'model' | 'dataset';
}

export interface Pair {
  readonly component: number;
  readonly benchmark: number;
}

type Status = 'PENDING' | 'APPROVED' | 'REJECTED';

const ONLY_AFTER_REJECTION = 'User can create a new association request only if the prior one is rejected';
const ONLY_AFTER_REQUEST = 'User can approve or reject an association only if there are prior requests';
const NEVER_APPROVED = 'User cannot create an approved association request';
const ONLY_APPROVED_REJECTED = 'User can create a rejected association request only if the prior one is approved';

/** Message of a request's refusal by its own status and the newest row's; a withdrawal is REJECTED after APPROVED. */
const REFUSALS: Readonly<Record<Status, Readonly<Record<Status | 'none', string | null>>>> = {
  PENDING: { none: null, PENDING: ONLY_AFTER_REJECTION, APPROVED: ONLY_AFTER_REJECTION, REJECTED: null },
  APPROVED: {
    none: ONLY_AFTER_REQUEST,
    PENDING: NEVER_APPROVED,
    APPROVED: NEVER_APPROVED,
    REJECTED: NEVER_APPROVED,
  },
  REJECTED: {
    none: ONLY_AFTER_REQUEST,
    PENDING: ONLY_APPROVED_REJECTED,
    APPROVED: null,
    REJECTED: ONLY_APPROVED_REJECTED,
  },
};

/** Two requests for one pair at once take turns, so that the second sees the first's row. */
export function inTurn(side: AssociationSide): Rule {
  return async (change) => {
    await lockPair(change.caller.sql, side, pairOf(side, change));
    return null;
  };
}

/** The benchmark must have this value there. */
export function benchmarkIs(column: 'state' | 'approval_status', value: string, adjective: string): Rule {
  return async ({ caller, values }) => {
    const text = `select ${column} as found from benchmarks where id = $1`;
    const [benchmark] = await caller.sql.query(text, [values.benchmark]);
    return benchmark?.found === value ? null : `Association requests can be made only on an ${adjective} benchmark`;
  };
}

export const APPROVED_BENCHMARK = benchmarkIs('approval_status', 'APPROVED', 'approved');
export const OPERATIONAL_BENCHMARK = benchmarkIs('state', 'OPERATION', 'operational');

/** @param words the component, as in "on an operational …". */
export function operationalComponent({ column }: AssociationSide, components: string, words: string): Rule {
  return async ({ caller, values }) => {
    const [component] = await caller.sql.query(`select state from ${components} where id = $1`, [values[column]]);
    return component?.state === 'OPERATION' ? null : `Association requests can be made only on an operational ${words}`;
  };
}

export const samePreparator: Rule = async ({ caller, values }) => {
  const text = `select 1 from datasets join benchmarks using (data_preparation_mlcube)
    where datasets.id = $1 and benchmarks.id = $2`;
  const same = await caller.sql.query(text, [values.dataset, values.benchmark]);
  return same.length > 0 ? null : "The dataset's preparation cube must be the benchmark's";
};

/** A request that does not say what it is counts as a decision. */
export const statedStatus: Rule = ({ given }) => (Object.hasOwn(given, 'approval_status') ? null : ONLY_AFTER_REQUEST);

/** What the pair's newest row lets follow. */
export function followsNewest(side: AssociationSide): Rule {
  return async (change) => {
    const newest = await newestRow(change.caller.sql, side, pairOf(side, change));
    return REFUSALS[change.values.approval_status as Status][newest === undefined ? 'none' : newest.status];
  };
}

/** Who would be asked for consent has given it already: the request is stored as approved. */
export function approvedAtOnce(agreed: (change: Change) => Promise<boolean>): Derivation {
  return async (change) => {
    const request = change.existing === null && change.values.approval_status === 'PENDING';
    return request && (await agreed(change)) ? { approval_status: 'APPROVED', approved_at: now() } : {};
  };
}

/** One person owns the component and the benchmark. */
export function sameOwner({ column }: AssociationSide, components: string): (change: Change) => Promise<boolean> {
  return async ({ caller, values }) => {
    const text = `select 1 from ${components} component join benchmarks using (owner)
      where component.id = $1 and benchmarks.id = $2`;
    return (await caller.sql.query(text, [values[column], values.benchmark])).length > 0;
  };
}

/** What a PUT of the status, which acts on the newest row of the pair, has to respect. */
export const pendingDecision: Rule = ({ caller, existing, values }) => {
  if (existing?.approval_status !== 'PENDING') return 'User can approve or reject only a pending request';
  return values.approval_status === 'APPROVED' && existing.initiated_by === caller.user.id
    ? 'Same user cannot approve the association request'
    : null;
};

/** Each kind of association has its own locks: PostgreSQL's are named by two numbers. */
export async function lockPair(sql: Sql, { table }: AssociationSide, { component, benchmark }: Pair): Promise<void> {
  await sql.query('select pg_advisory_xact_lock(hashtext($1), hashtext($2))', [table, `${component}/${benchmark}`]);
}

export interface NewestRow {
  readonly id: number;
  readonly status: Status;
}

export async function newestRow(
  sql: Sql,
  { table, column }: AssociationSide,
  { component, benchmark }: Pair,
): Promise<NewestRow | undefined> {
  const text = `select id, approval_status from ${table} where ${column} = $1 and benchmark = $2
    order by created_at desc limit 1`;
  const [row]: readonly Row[] = await sql.query(text, [component, benchmark]);
  return row && { id: Number(row.id), status: row.approval_status as Status };
}

function pairOf({ column }: AssociationSide, { values }: Change): Pair {
  return { component: Number(values[column]), benchmark: Number(values.benchmark) };
}
