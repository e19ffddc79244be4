import type { Sql } from './database';
import { invalidFields, invalidObject } from './refusals';

/** How a field is read from a request, in Django REST framework's terms. */
export type Field = {
  /** The key must be in a POST. */
  readonly required?: boolean;
  /** `update`: ignored in a POST, where it takes its default; `create`: ignored in a PUT. */
  readonly writable?: 'create' | 'update';
} & (
  | { readonly kind: 'text'; readonly max: number; readonly blank: boolean; readonly unique?: boolean }
  | { readonly kind: 'choice'; readonly values: readonly string[]; readonly default: string }
  | { readonly kind: 'boolean'; readonly default: boolean }
  | { readonly kind: 'integer'; readonly default: number }
  | { readonly kind: 'json'; readonly nullable: boolean }
  | { readonly kind: 'reference'; readonly table: string }
);

export interface FieldSource {
  readonly table: string;
  /** As it stands in "… with this name already exists." */
  readonly label: string;
  readonly fields: Readonly<Record<string, Field>>;
}

export type Values = Record<string, unknown>;

class BadValue extends Error {}

/**
 * Reads a request's fields: unknown keys are ignored, texts trimmed, numbers and booleans taken from text.
 * For a POST (`id` null) absent fields get their defaults, for a PUT they stay out.
 * @throws Refusal 400 with every field's messages at once.
 */
export async function readFields(sql: Sql, source: FieldSource, body: unknown, id: number | null): Promise<Values> {
  const given = objectOf(body);
  const values: Values = {};
  const messages: Record<string, string[]> = {};
  for (const [name, field] of Object.entries(source.fields)) {
    if (field.writable === (id === null ? 'update' : 'create')) continue;
    try {
      if (Object.hasOwn(given, name)) values[name] = await readField(sql, source, name, field, given[name], id);
      else if (id === null) values[name] = defaultOf(field);
    } catch (error) {
      if (!(error instanceof BadValue)) throw error;
      messages[name] = [error.message];
    }
  }
  if (Object.keys(messages).length > 0) throw invalidFields(messages);
  return values;
}

/** @throws Refusal 400 for a body that is not an object. */
export function objectOf(body: unknown): Readonly<Record<string, unknown>> {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Record<string, unknown>;
  if (body === null) throw invalidObject('No data provided');
  throw invalidObject(`Invalid data. Expected a dictionary, but got ${pythonType(body)}.`);
}

function defaultOf(field: Field): unknown {
  if (field.required) throw new BadValue('This field is required.');
  switch (field.kind) {
    case 'text':
      return '';
    case 'json':
      return {};
    case 'reference':
      return null;
    default:
      return field.default;
  }
}

async function readField(
  sql: Sql,
  source: FieldSource,
  name: string,
  field: Field,
  value: unknown,
  id: number | null,
): Promise<unknown> {
  if (value === null) {
    if (field.kind === 'json' && field.nullable) return null;
    throw new BadValue('This field may not be null.');
  }
  switch (field.kind) {
    case 'text': {
      const text = readText(field.max, field.blank, value);
      if (field.unique) await refuseTaken(sql, source, name, text, id);
      return text;
    }
    case 'choice':
      return readChoice(field.values, value);
    case 'boolean':
      return readBoolean(value);
    case 'integer':
      return readInteger(value);
    case 'reference':
      return readReference(sql, field.table, value);
    case 'json':
      return value;
  }
}

function readText(max: number, blank: boolean, value: unknown): string {
  if (typeof value !== 'string' && typeof value !== 'number') throw new BadValue('Not a valid string.');
  const text = String(value).trim();
  if (text === '' && !blank) throw new BadValue('This field may not be blank.');
  if (text.includes('\0')) throw new BadValue('Null characters are not allowed.');
  if (Array.from(text).length > max) throw new BadValue(`Ensure this field has no more than ${max} characters.`);
  return text;
}

async function refuseTaken(
  sql: Sql,
  source: FieldSource,
  name: string,
  text: string,
  id: number | null,
): Promise<void> {
  const taken = await sql.query(`select id from ${source.table} where ${name} = $1 and id <> $2`, [text, id ?? 0]);
  if (taken.length > 0) throw new BadValue(`${source.label} with this ${name} already exists.`);
}

function readChoice(values: readonly string[], value: unknown): string {
  if (typeof value === 'string' && values.includes(value)) return value;
  throw new BadValue(`"${typeof value === 'string' ? value : JSON.stringify(value)}" is not a valid choice.`);
}

const TRUE: readonly unknown[] = [true, 1, '1', 't', 'y', 'yes', 'true', 'on'];
const FALSE: readonly unknown[] = [false, 0, '0', 'f', 'n', 'no', 'false', 'off'];

function readBoolean(value: unknown): boolean {
  const plain = typeof value === 'string' ? value.trim().toLowerCase() : value;
  if (TRUE.includes(plain)) return true;
  if (FALSE.includes(plain)) return false;
  throw new BadValue('Must be a valid boolean.');
}

export const LARGEST_INTEGER = 2_147_483_647;

function readInteger(value: unknown): number {
  const number = wholeNumber(value);
  if (number === null) throw new BadValue('A valid integer is required.');
  if (number > LARGEST_INTEGER) {
    throw new BadValue(`Ensure this value is less than or equal to ${LARGEST_INTEGER}.`);
  }
  if (number < -LARGEST_INTEGER - 1) {
    throw new BadValue(`Ensure this value is greater than or equal to ${-LARGEST_INTEGER - 1}.`);
  }
  return number;
}

async function readReference(sql: Sql, table: string, value: unknown): Promise<number> {
  const number = wholeNumber(value);
  if (number === null) throw new BadValue(`Incorrect type. Expected pk value, received ${pythonType(value)}.`);
  const exists =
    Math.abs(number) <= LARGEST_INTEGER && (await sql.query(`select 1 from ${table} where id = $1`, [number]));
  if (!exists || exists.length === 0) throw new BadValue(`Invalid pk "${number}" - object does not exist.`);
  return number;
}

/** A whole number from a number or a text, or null. */
export function wholeNumber(value: unknown): number | null {
  if (typeof value === 'number') return Number.isInteger(value) ? value : null;
  return typeof value === 'string' && /^\s*[-+]?\d+\s*$/.test(value) ? Number(value) : null;
}

function pythonType(value: unknown): string {
  if (Array.isArray(value)) return 'list';
  if (typeof value === 'string') return 'str';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float';
  return 'dict';
}
