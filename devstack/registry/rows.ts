import { now } from './clock';
import { repeatedIn } from './database';
import type { Row, Sql } from './database';
import { invalidFields } from './refusals';
import { afterwards } from './resource';
import type { Change, Resource, Values, View } from './resource';
import { fingerprintOf, repeatedSet } from './validation';

/** The select list that makes a row look as in the view, but for what is nested. */
export function selectList({ resource, columns }: View): string {
  return columns.map((column) => selected(resource, column)).join(', ');
}

function selected({ table, fields }: Resource, column: string): string {
  const qualified = `${table}.${column}`;
  return fields[column]?.kind === 'time' ? `${timeText(qualified)} as ${column}` : qualified;
}

/** A time as answers show it: UTC, six fraction digits or none. */
function timeText(column: string): string {
  const text = `to_char(${column} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
  return `replace(${text}, '.000000Z', 'Z')`;
}

/**
 * Rows as the view shows them.
 * @param rest everything of the statement after `from`; `$1…` are `values`.
 */
export async function readRows(sql: Sql, view: View, rest: string, values: readonly unknown[] = []): Promise<Row[]> {
  const rows = await sql.query(`select ${selectList(view)} from ${rest}`, values);
  return showNested(sql, view, rows);
}

/** The rows with the objects that their ids name, where the view shows these. */
async function showNested(sql: Sql, { nested }: View, rows: readonly Row[]): Promise<Row[]> {
  let shown = [...rows];
  for (const [column, view] of Object.entries(nested)) {
    const ids = shown.map((row) => row[column]).filter((id) => id !== null);
    const { table } = view.resource;
    const objects = await readRows(sql, view, `${table} where ${table}.id = any($1)`, [ids]);
    const byId = new Map(objects.map((object) => [object.id, object]));
    shown = shown.map((row) => ({ ...row, [column]: byId.get(row[column]) ?? null }));
  }
  return shown;
}

/** One row, locked until the transaction ends when `forUpdate`. */
export async function findRow(
  sql: Sql,
  view: View,
  id: number,
  forUpdate: 'for update' | '' = '',
): Promise<Row | undefined> {
  const { table } = view.resource;
  return (await readRows(sql, view, `${table} where ${table}.id = $1 ${forUpdate}`, [id]))[0];
}

/** @returns the new row's id. @throws Invalid when a constraint of the table refuses it. */
export async function insertRow(change: Change): Promise<number> {
  const { caller, resource, values } = change;
  const all = {
    ...values,
    ...(await derivedOf(change)),
    ...(resource.maker && { [resource.maker]: caller.user.id }),
    ...stamps(resource, ['created_at', 'modified_at']),
  };
  const text = `insert into ${resource.table} (${Object.keys(all).join(', ')})
    values (${placeholders(resource, all).join(', ')}) returning id`;
  return Number(single(await asInvalid(resource, () => caller.sql.query(text, stored(resource, all)))).id);
}

/** @throws Invalid when a constraint of the table refuses it. */
export async function updateRow(change: Change): Promise<void> {
  const { caller, resource, existing, values } = change;
  const all = { ...values, ...(await derivedOf(change)), ...stamps(resource, ['modified_at']) };
  const names = Object.keys(all);
  if (names.length === 0) return;
  const assignments = placeholders(resource, all).map((placeholder, index) => `${names[index] ?? ''} = ${placeholder}`);
  const text = `update ${resource.table} set ${assignments.join(', ')} where id = $${names.length + 1}`;
  await asInvalid(resource, () => caller.sql.query(text, [...stored(resource, all), existing?.id]));
}

function stamps({ fields }: Resource, names: readonly string[]): Values {
  return Object.fromEntries(names.filter((name) => name in fields).map((name) => [name, now()]));
}

async function derivedOf(change: Change): Promise<Values> {
  const { uniqueSet, derivations = [] } = change.resource;
  let derived: Values = uniqueSet ? { fingerprint: fingerprintOf(uniqueSet, afterwards(change)) } : {};
  for (const derivation of derivations) derived = { ...derived, ...(await derivation(change)) };
  return derived;
}

/** Two at once pass the rules' look-ups; the table's own constraints then let one through. */
async function asInvalid<T>(resource: Resource, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    const constraint = repeatedIn(error);
    const { table, fields, uniqueSet, constraints = {} } = resource;
    if (uniqueSet && constraint === `${table}_fingerprint`) throw repeatedSet(uniqueSet);
    const messages = constraints[constraint ?? ''];
    if (messages) throw invalidFields(messages);
    for (const [name, { unique }] of Object.entries(fields)) {
      if (unique !== undefined && constraint === `${table}_${name}`) throw invalidFields({ [name]: [unique] });
    }
    throw error;
  }
}

function placeholders({ fields }: Resource, values: Values): string[] {
  return Object.keys(values).map((name, index) => {
    const kind = fields[name]?.kind;
    if (kind === 'json') return `$${index + 1}::json`;
    return kind === 'time' ? `$${index + 1}::timestamptz` : `$${index + 1}`;
  });
}

function stored({ fields }: Resource, values: Values): unknown[] {
  return Object.entries(values).map(([name, value]) =>
    fields[name]?.kind === 'json' && value !== null ? JSON.stringify(value) : value,
  );
}

function single(rows: readonly Row[]): Row {
  const [row] = rows;
  if (row === undefined) throw new Error('The statement answered no row.');
  return row;
}
