import { canonicalJson } from '../../contract';
import { now } from './clock';
import type { Row, Sql } from './database';
import type { Field, FieldSource, Values } from './fields';
import { invalidObject } from './refusals';

/** A table of the registry: its fields as requests give them, and the columns that the server fills in itself. */
export interface Resource extends FieldSource {
  /** Column that holds the user who made the row. */
  readonly maker: 'owner' | 'initiated_by';
  /** Whether rows are approved or rejected by somebody. */
  readonly decided: boolean;
  /** What may still change once `state` is OPERATION. */
  readonly editableInOperation: readonly string[];
  /** Columns of a list's order. */
  readonly order: string;
}

const STATE: Field = { kind: 'choice', values: ['DEVELOPMENT', 'OPERATION'], default: 'DEVELOPMENT' };
const APPROVAL: Field = { kind: 'choice', values: ['PENDING', 'APPROVED', 'REJECTED'], default: 'PENDING' };
const FLAG: Field = { kind: 'boolean', default: true };
const FREE_JSON: Field = { kind: 'json', nullable: true };
const NAME: Field = { kind: 'text', max: 20, blank: false, required: true, unique: true };
const CUBE: Field = { kind: 'reference', table: 'mlcubes', required: true };

function required(max: number): Field {
  return { kind: 'text', max, blank: false, required: true };
}

function optional(max: number): Field {
  return { kind: 'text', max, blank: true };
}

/** Part of the set that must be unique: the key has to be there, its value may be empty. */
const HASH: Field = { kind: 'text', max: 100, blank: true, required: true };

export const CUBES: Resource = {
  table: 'mlcubes',
  label: 'ml cube',
  maker: 'owner',
  decided: false,
  order: 'modified_at, id',
  fields: {
    name: NAME,
    git_mlcube_url: required(256),
    mlcube_hash: required(100),
    git_parameters_url: optional(256),
    parameters_hash: HASH,
    image_tarball_url: optional(256),
    image_tarball_hash: HASH,
    image_hash: HASH,
    additional_files_tarball_url: optional(256),
    additional_files_tarball_hash: HASH,
    state: STATE,
    is_valid: FLAG,
    metadata: FREE_JSON,
    user_metadata: FREE_JSON,
  },
  editableInOperation: [
    'is_valid',
    'user_metadata',
    'git_mlcube_url',
    'git_parameters_url',
    'image_tarball_url',
    'additional_files_tarball_url',
  ],
};

export const BENCHMARKS: Resource = {
  table: 'benchmarks',
  label: 'benchmark',
  maker: 'owner',
  decided: true,
  order: 'modified_at, id',
  fields: {
    name: NAME,
    description: optional(100),
    docs_url: optional(100),
    demo_dataset_tarball_url: required(256),
    demo_dataset_tarball_hash: required(100),
    demo_dataset_generated_uid: required(128),
    data_preparation_mlcube: CUBE,
    reference_model_mlcube: CUBE,
    data_evaluator_mlcube: CUBE,
    metadata: FREE_JSON,
    user_metadata: FREE_JSON,
    state: STATE,
    is_valid: FLAG,
    is_active: FLAG,
    approval_status: { ...APPROVAL, writable: 'update' },
  },
  editableInOperation: ['is_valid', 'is_active', 'user_metadata', 'approval_status', 'demo_dataset_tarball_url'],
};

export const ASSOCIATIONS: Resource = {
  table: 'model_associations',
  label: 'model association',
  maker: 'initiated_by',
  decided: true,
  order: 'priority desc, id',
  fields: {
    model_mlcube: { ...CUBE, writable: 'create' },
    benchmark: { kind: 'reference', table: 'benchmarks', required: true, writable: 'create' },
    metadata: { kind: 'json', nullable: false, required: true, writable: 'create' },
    approval_status: APPROVAL,
    priority: { kind: 'integer', default: 0, writable: 'update' },
  },
  editableInOperation: [],
};

/** A time column as answers show it: UTC, six fraction digits or none. */
export function timeColumn(column: string): string {
  const text = `to_char(${column} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
  return `replace(${text}, '.000000Z', 'Z') as ${column}`;
}

/** The select list that makes a row look as in an answer. */
export function columnsOf(resource: Resource): string {
  return [
    'id',
    ...Object.keys(resource.fields),
    resource.maker,
    ...(resource.decided ? ['approved_at'] : []),
    'created_at',
    'modified_at',
  ]
    .map((column) => (column.endsWith('_at') ? timeColumn(column) : column))
    .join(', ');
}

/** The row as an answer shows it, locked until the transaction ends when `forUpdate`. */
export async function findRow(
  sql: Sql,
  resource: Resource,
  id: number,
  forUpdate: 'for update' | '' = '',
): Promise<Row | undefined> {
  const text = `select ${columnsOf(resource)} from ${resource.table} where id = $1 ${forUpdate}`;
  return (await sql.query(text, [id]))[0];
}

export async function insertRow(sql: Sql, resource: Resource, maker: number, values: Values): Promise<Row> {
  const decided = 'approval_status' in values && values.approval_status !== 'PENDING';
  const stamps = { ...(decided && { approved_at: now() }), created_at: now(), modified_at: now() };
  const all = { ...values, [resource.maker]: maker, ...stamps };
  const text = `insert into ${resource.table} (${Object.keys(all).join(', ')})
    values (${placeholders(resource, all).join(', ')}) returning ${columnsOf(resource)}`;
  return single(await sql.query(text, stored(resource, all)));
}

/** Changes the row, with a stamp of its approval where that changes to a decision. */
export async function updateRow(sql: Sql, resource: Resource, existing: Row, values: Values): Promise<Row> {
  const status = values.approval_status;
  const decided = status !== undefined && status !== 'PENDING' && status !== existing.approval_status;
  const all = { ...values, ...(decided && { approved_at: now() }), modified_at: now() };
  const names = Object.keys(all);
  const assignments = placeholders(resource, all).map((placeholder, index) => `${names[index] ?? ''} = ${placeholder}`);
  const text = `update ${resource.table} set ${assignments.join(', ')}
    where id = $${names.length + 1} returning ${columnsOf(resource)}`;
  return single(await sql.query(text, [...stored(resource, all), existing.id]));
}

/** @throws Refusal when a frozen field of an operational row would change; the same value is fine. */
export function refuseFrozen(resource: Resource, existing: Row, values: Values): void {
  if (existing.state !== 'OPERATION') return;
  const changed = Object.keys(values).filter((name) => canonicalJson(values[name]) !== canonicalJson(existing[name]));
  if (changed.some((name) => !resource.editableInOperation.includes(name))) {
    throw invalidObject('User cannot update non editable fields in Operation mode');
  }
}

function placeholders(resource: Resource, values: Values): string[] {
  return Object.keys(values).map((name, index) => {
    if (resource.fields[name]?.kind === 'json') return `$${index + 1}::jsonb`;
    return name.endsWith('_at') ? `$${index + 1}::timestamptz` : `$${index + 1}`;
  });
}

function stored(resource: Resource, values: Values): unknown[] {
  return Object.entries(values).map(([name, value]) =>
    resource.fields[name]?.kind === 'json' && value !== null ? JSON.stringify(value) : value,
  );
}

function single(rows: readonly Row[]): Row {
  const [row] = rows;
  if (row === undefined) throw new Error('The statement answered no row.');
  return row;
}
