import { createHash } from 'node:crypto';
import { canonicalJson } from '../../contract';
import type { Row, Sql } from './database';
import { BadValue, pythonType, readText, readValue } from './field-values';
import { Invalid, invalidFields, invalidObject } from './refusals';
import type { FieldMessages } from './refusals';
import { afterwards } from './resource';
import type { Caller, Change, Field, Resource, UniqueSet, Values } from './resource';

/** Whether absent fields keep their values, or the body has to be as complete as a POST's. */
export type Completeness = 'partial' | 'complete';

/**
 * Reads what a request says of one row and applies the rules, in the real server's order: all fields at once, then the set
 * that must be unique, then the rules one by one.
 * @param existing the row that a PUT changes; null for a POST.
 * @throws Invalid
 */
export async function validate(
  caller: Caller,
  resource: Resource,
  body: unknown,
  existing: Row | null,
  completeness: Completeness = 'partial',
): Promise<Change> {
  const given = objectOf(body);
  const values = await readFields(caller, resource, given, existing, completeness);
  const change = { caller, resource, existing, given, values };
  if (resource.uniqueSet) await refuseRepeated(change, resource.uniqueSet);
  for (const rule of (existing === null ? resource.createRules : resource.changeRules) ?? []) {
    const message = await rule(change);
    if (message !== null) throw invalidObject(message);
  }
  return change;
}

/** Unknown keys are ignored. In a POST absent fields get their defaults, in a PUT they stay out. */
async function readFields(
  caller: Caller,
  resource: Resource,
  given: Values,
  existing: Row | null,
  completeness: Completeness,
): Promise<Values> {
  const values: Record<string, unknown> = {};
  const messages: Record<string, FieldMessages[string]> = {};
  for (const [name, field] of Object.entries(resource.fields)) {
    const ignored = !isWritten(field, existing === null ? 'create' : 'update');
    if (ignored && (existing !== null || field.writable === 'never')) continue;
    try {
      if (!ignored && Object.hasOwn(given, name)) {
        values[name] = await readField(caller, resource, name, given[name], existing);
        await applyFieldRule({ caller, resource, existing, given, values }, name);
      } else if (field.required && (existing === null || completeness === 'complete')) {
        throw new BadValue(['This field is required.']);
      } else if (existing === null) {
        values[name] = defaultOf(field);
      }
    } catch (error) {
      if (error instanceof BadValue) messages[name] = error.messages;
      else if (error instanceof Invalid) messages[name] = error.messages;
      else throw error;
    }
  }
  if (Object.keys(messages).length > 0) throw invalidFields(messages);
  return values;
}

/** Whether a request of this kind sets the field. */
export function isWritten({ writable }: Field, by: 'create' | 'update'): boolean {
  return writable === undefined || writable === by;
}

async function applyFieldRule(change: Change, name: string): Promise<void> {
  const message = change.existing === null ? null : ((await change.resource.fieldRules?.[name]?.(change)) ?? null);
  if (message !== null) throw new BadValue([message]);
}

/** @throws Invalid for a body that is not an object. */
export function objectOf(body: unknown): Values {
  if (isObject(body)) return body;
  if (body === null) throw invalidObject('No data provided');
  throw invalidObject(`Invalid data. Expected a dictionary, but got ${pythonType(body)}.`);
}

export function isObject(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Texts that a body must have, none of them blank, where no row is made of them.
 * @param limits characters by key.
 * @throws Invalid
 */
export function readTexts(body: unknown, limits: Readonly<Record<string, number>>): Readonly<Record<string, string>> {
  const given = objectOf(body);
  const texts: Record<string, string> = {};
  const messages: Record<string, readonly string[]> = {};
  for (const [key, max] of Object.entries(limits)) {
    try {
      if (!Object.hasOwn(given, key)) throw new BadValue(['This field is required.']);
      if (given[key] === null) throw new BadValue(['This field may not be null.']);
      texts[key] = readText({ max, blank: false }, given[key]);
    } catch (error) {
      if (!(error instanceof BadValue)) throw error;
      messages[key] = error.messages;
    }
  }
  if (Object.keys(messages).length > 0) throw invalidFields(messages);
  return texts;
}

function defaultOf(field: Field): unknown {
  switch (field.kind) {
    case 'text':
      return '';
    case 'reference':
    case 'nested':
    case 'time':
      return null;
    default:
      return field.default;
  }
}

async function readField(
  caller: Caller,
  resource: Resource,
  name: string,
  value: unknown,
  existing: Row | null,
): Promise<unknown> {
  const field = resource.fields[name];
  if (field === undefined || field.kind === 'time') throw new Error(`${name} is not for requests to write.`);
  let read: unknown;
  if (field.kind !== 'nested') read = await readValue(caller.sql, field, value);
  else if (existing !== null)
    read = await readValue(caller.sql, { ...field, kind: 'reference', table: field.resource.table }, value);
  else
    read =
      value === null && field.nullable
        ? null
        : (await validate(caller, field.resource, nestedObject(value), null)).values;
  if (field.unique !== undefined && existing?.[name] !== read)
    await refuseTaken(caller.sql, resource, name, read, field.unique);
  return read;
}

/** Null in the place of an object has words of its own. */
function nestedObject(value: unknown): unknown {
  if (value === null) throw new BadValue(['This field may not be null.']);
  return value;
}

async function refuseTaken(
  sql: Sql,
  { table }: Resource,
  name: string,
  value: unknown,
  message: string,
): Promise<void> {
  if (value === null || value === '' || isObject(value)) return;
  const taken = await sql.query(`select 1 from ${table} where ${name} = $1`, [value]);
  if (taken.length > 0) throw new BadValue([message]);
}

async function refuseRepeated(change: Change, set: UniqueSet): Promise<void> {
  const { caller, resource, existing } = change;
  const fingerprint = fingerprintOf(set, afterwards(change));
  const text = `select 1 from ${resource.table} where fingerprint = $1 and id <> $2`;
  const same = await caller.sql.query(text, [fingerprint, existing?.id ?? 0]);
  if (same.length > 0) throw repeatedSet(set);
}

export function repeatedSet({ columns }: UniqueSet): Invalid {
  return invalidObject(`The fields ${columns.join(', ')} must make a unique set.`);
}

/** Digest of the values that together must be unique, or null where the row is exempt. */
export function fingerprintOf({ columns, exemptWhenNull }: UniqueSet, values: Values): string | null {
  if (exemptWhenNull !== undefined && values[exemptWhenNull] === null) return null;
  return createHash('sha256')
    .update(canonicalJson(columns.map((column) => values[column])))
    .digest('hex');
}
