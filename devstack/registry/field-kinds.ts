import type { Field } from './resource';

/** A text that must be given and not be blank. */
export function requiredText(max: number | null): Field {
  return { kind: 'text', max, blank: false, required: true };
}

export function optionalText(max: number): Field {
  return { kind: 'text', max, blank: true };
}

/** The key has to be there, its value may be empty: what a set of columns that must be unique makes of its members. */
export function presentText(max: number): Field {
  return { kind: 'text', max, blank: true, required: true };
}

/** @param what as it stands in "… with this name already exists." */
export function uniqueName(what: string, max: number): Field {
  return { ...requiredText(max), unique: `${what} with this name already exists.` };
}

export function reference(table: string): Field {
  return { kind: 'reference', table, required: true };
}

export const STATE: Field = { kind: 'choice', values: ['DEVELOPMENT', 'OPERATION'], default: 'DEVELOPMENT' };
export const APPROVAL: Field = { kind: 'choice', values: ['PENDING', 'APPROVED', 'REJECTED'], default: 'PENDING' };
/** PENDING at first, whatever the POST says. */
export const LATER_APPROVAL: Field = { ...APPROVAL, writable: 'update' };
export const FLAG: Field = { kind: 'boolean', default: true };
/** Any JSON, null included. */
export const FREE_JSON: Field = { kind: 'json', default: {}, nullable: true };
/** Any JSON but null. */
export const JSON_OBJECT: Field = { kind: 'json', default: {} };
/** Stamped by the server; null until then. */
export const STAMP: Field = { kind: 'time', nullable: true, writable: 'never' };

/** The user who made the row, and its times. */
export const OWNED = {
  owner: { kind: 'reference', table: 'users', writable: 'never' },
  created_at: { kind: 'time', writable: 'never' },
  modified_at: { kind: 'time', writable: 'never' },
} as const satisfies Record<string, Field>;
