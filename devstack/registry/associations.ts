import type { Row, Sql } from './database';
import { objectOf, readFields } from './fields';
import type { Values } from './fields';
import { invalidObject, serverFault } from './refusals';
import { ASSOCIATIONS, BENCHMARKS, CUBES, columnsOf, findRow, insertRow, updateRow } from './resources';

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

export async function createAssociation(sql: Sql, maker: number, body: unknown): Promise<Row> {
  const values = await readFields(sql, ASSOCIATIONS, body, null);
  const pair = { cube: Number(values.model_mlcube), benchmark: Number(values.benchmark) };
  await lockPair(sql, pair);
  const cube = await findRow(sql, CUBES, pair.cube);
  const benchmark = await findRow(sql, BENCHMARKS, pair.benchmark);
  if (benchmark?.approval_status !== 'APPROVED') {
    throw invalidObject('Association requests can be made only on an approved benchmark');
  }
  if (cube?.state !== 'OPERATION') {
    throw invalidObject('Association requests can be made only on an operational model mlcube');
  }
  const status = values.approval_status as Status;
  const newest = await newestRow(sql, pair);
  const refusal = REFUSALS[status][newest === undefined ? 'none' : (newest.approval_status as Status)];
  if (refusal !== null) throw invalidObject(refusal);
  const approvedAtOnce = status === 'PENDING' && cube.owner === benchmark.owner;
  return insertRow(sql, ASSOCIATIONS, maker, { ...values, ...(approvedAtOnce && { approval_status: 'APPROVED' }) });
}

/** Acts on the newest row of the pair. */
export async function changeAssociation(sql: Sql, pair: Pair, user: number, body: unknown): Promise<Row> {
  await lockPair(sql, pair);
  const newest = await newestRow(sql, pair);
  if (newest === undefined) {
    // MedPerf's own server fails here; clients have to cope with it.
    if (Object.hasOwn(objectOf(body), 'approval_status')) throw serverFault();
    throw invalidObject('No model association found');
  }
  const values = await readFields(sql, ASSOCIATIONS, body, Number(newest.id));
  refuseDecision(newest, user, values);
  return shortForm(await updateRow(sql, ASSOCIATIONS, newest, values));
}

function refuseDecision(newest: Row, user: number, { approval_status: status }: Values): void {
  if (status === undefined) return;
  if (newest.approval_status !== 'PENDING') {
    throw invalidObject('User can approve or reject only a pending request');
  }
  if (status === 'APPROVED' && newest.initiated_by === user) {
    throw invalidObject('Same user cannot approve the association request');
  }
}

/** All rows of the pair, oldest first, in their short form. */
export async function pairHistory(sql: Sql, pair: Pair): Promise<Row[]> {
  return (await historyRows(sql, pair)).map(shortForm);
}

export async function removePair(sql: Sql, pair: Pair): Promise<boolean> {
  const removed = await sql.query(
    'delete from model_associations where model_mlcube = $1 and benchmark = $2 returning id',
    [pair.cube, pair.benchmark],
  );
  return removed.length > 0;
}

export interface Pair {
  readonly cube: number;
  readonly benchmark: number;
}

/** Two requests for one pair at once take turns, so that the second sees the first's row. */
async function lockPair(sql: Sql, pair: Pair): Promise<void> {
  await sql.query('select pg_advisory_xact_lock($1::int, $2::int)', [pair.cube, pair.benchmark]);
}

async function newestRow(sql: Sql, pair: Pair): Promise<Row | undefined> {
  return (await historyRows(sql, pair)).at(-1);
}

function historyRows(sql: Sql, pair: Pair): Promise<readonly Row[]> {
  const text = `select ${columnsOf(ASSOCIATIONS)} from model_associations
    where model_mlcube = $1 and benchmark = $2 order by model_associations.created_at, id`;
  return sql.query(text, [pair.cube, pair.benchmark]);
}

/** An answer about a pair names neither the pair nor the row. */
function shortForm(row: Row): Row {
  const { approval_status, initiated_by, approved_at, created_at, modified_at, priority } = row;
  return { approval_status, initiated_by, approved_at, created_at, modified_at, priority };
}
