import type { Sql } from './database';
import type { Field, FieldKind } from './resource';

/** What is wrong with a field's value, in Django REST framework's words. */
export class BadValue extends Error {
  constructor(readonly messages: readonly string[]) {
    super(messages.join(' '));
  }
}

type TextKind = Extract<FieldKind, { kind: 'text' }>;

export type ScalarKind = Exclude<FieldKind, { kind: 'nested' | 'time' }>;

/**
 * Reads a value as the server does: texts are trimmed, numbers and booleans taken from text.
 * @throws BadValue
 */
export async function readValue(sql: Sql, field: Field & ScalarKind, value: unknown): Promise<unknown> {
  if (value === null || (value === '' && field.kind === 'reference')) {
    if (field.nullable) return null;
    throw new BadValue(['This field may not be null.']);
  }
  switch (field.kind) {
    case 'text':
      return readText(field, value);
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

/** @throws BadValue */
export function readText({ max, blank, pattern }: Omit<TextKind, 'kind'>, value: unknown): string {
  if (typeof value !== 'string' && typeof value !== 'number') throw new BadValue(['Not a valid string.']);
  const text = String(value).trim();
  if (text === '' && blank) return text;
  if (text === '') throw new BadValue(['This field may not be blank.']);
  const messages: string[] = [];
  if (pattern && !pattern.expression.test(text)) messages.push(pattern.message);
  if (max !== null && Array.from(text).length > max) {
    messages.push(`Ensure this field has no more than ${max} characters.`);
  }
  if (text.includes('\0')) messages.push('Null characters are not allowed.');
  const surrogate = /\p{Surrogate}/u.exec(text)?.[0];
  if (surrogate !== undefined) {
    messages.push(`Surrogate characters are not allowed: U+${surrogate.charCodeAt(0).toString(16).toUpperCase()}.`);
  }
  if (messages.length > 0) throw new BadValue(messages);
  return text;
}

function readChoice(values: readonly string[], value: unknown): string {
  if (typeof value === 'string' && values.includes(value)) return value;
  throw new BadValue([`"${typeof value === 'string' ? value : JSON.stringify(value)}" is not a valid choice.`]);
}

const TRUE: readonly unknown[] = [true, 1, '1', 't', 'y', 'yes', 'true', 'on'];
const FALSE: readonly unknown[] = [false, 0, '0', 'f', 'n', 'no', 'false', 'off'];

function readBoolean(value: unknown): boolean {
  const plain = typeof value === 'string' ? value.trim().toLowerCase() : value;
  if (TRUE.includes(plain)) return true;
  if (FALSE.includes(plain)) return false;
  throw new BadValue(['Must be a valid boolean.']);
}

export const LARGEST_INTEGER = 2_147_483_647;

function readInteger(value: unknown): number {
  const number = wholeNumber(typeof value === 'string' ? value.replace(/\.0*\s*$/, '') : value);
  if (number === null) throw new BadValue(['A valid integer is required.']);
  if (number > LARGEST_INTEGER) {
    throw new BadValue([`Ensure this value is less than or equal to ${LARGEST_INTEGER}.`]);
  }
  if (number < -LARGEST_INTEGER - 1) {
    throw new BadValue([`Ensure this value is greater than or equal to ${-LARGEST_INTEGER - 1}.`]);
  }
  return number;
}

async function readReference(sql: Sql, table: string, value: unknown): Promise<number> {
  const number = wholeNumber(value);
  if (number === null) throw new BadValue([`Incorrect type. Expected pk value, received ${pythonType(value)}.`]);
  const possible = Math.abs(number) <= LARGEST_INTEGER;
  const found = possible ? await sql.query(`select 1 from ${table} where id = $1`, [number]) : [];
  if (found.length === 0) throw new BadValue([`Invalid pk "${String(value)}" - object does not exist.`]);
  return number;
}

/** A whole number from a number or a text, or null. */
export function wholeNumber(value: unknown): number | null {
  if (typeof value === 'number') return Number.isInteger(value) ? value : null;
  return typeof value === 'string' && /^\s*[-+]?\d+\s*$/.test(value) ? Number(value) : null;
}

export function pythonType(value: unknown): string {
  if (Array.isArray(value)) return 'list';
  if (typeof value === 'string') return 'str';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float';
  return value === null ? 'NoneType' : 'dict';
}
