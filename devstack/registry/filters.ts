import type { Address, Call } from './calls';
import { LARGEST_INTEGER, wholeNumber } from './field-values';
import { invalidFields } from './refusals';
import type { Caller, Field, Resource, View } from './resource';

/** A condition for `where`; its `$1…` are `values`. */
export interface Filter {
  readonly conditions: readonly string[];
  readonly values: readonly unknown[];
}

/**
 * The condition that a list's query asks for, on top of `base`. Filters are exact; an empty one and one of another name are
 * ignored.
 * @throws Invalid for a value that the field cannot have.
 */
export async function filterOf(
  { sql, address: { query } }: Call,
  resource: Resource,
  names: readonly string[],
  base: Filter,
): Promise<Filter> {
  const conditions = [...base.conditions];
  const values = [...base.values];
  const messages: Record<string, readonly string[]> = {};
  for (const name of names) {
    const text = query.getAll(name).at(-1)?.trim() ?? '';
    const field = resource.fields[name];
    if (text === '' || field === undefined) continue;
    const value = await soughtValue(sql, field, text);
    if (value === 'impossible') messages[name] = [impossible(field, text)];
    else if (value !== null) conditions.push(`${resource.table}.${name} = $${values.push(value)}`);
  }
  if (Object.keys(messages).length > 0) throw invalidFields(messages);
  return { conditions, values };
}

const BOOLEANS: Readonly<Record<string, boolean>> = { '1': true, true: true, '0': false, false: false };

/** Null: not filtered by. */
async function soughtValue(sql: Caller['sql'], field: Field, text: string): Promise<unknown> {
  switch (field.kind) {
    case 'boolean':
      return BOOLEANS[text.toLowerCase()] ?? null;
    case 'choice':
      return field.values.includes(text) ? text : 'impossible';
    case 'reference': {
      const id = wholeNumber(text);
      if (id === null || Math.abs(id) > LARGEST_INTEGER) return 'impossible';
      return (await sql.query(`select 1 from ${field.table} where id = $1`, [id])).length > 0 ? id : 'impossible';
    }
    default:
      return text.includes('\0') ? 'impossible' : text;
  }
}

function impossible(field: Field, text: string): string {
  if (field.kind === 'text') return 'Null characters are not allowed.';
  return field.kind === 'choice'
    ? `Select a valid choice. ${text} is not one of the available choices.`
    : 'Select a valid choice. That choice is not one of the available choices.';
}

/** The columns that `ordering` names and the view shows, descending behind a minus; undefined when it names none. */
export function askedOrder({ query }: Address, { columns, nested }: View): readonly string[] | undefined {
  const terms = (query.getAll('ordering').at(-1) ?? '').split(',').map((term) => term.trim());
  const known = terms.filter((term) => {
    const column = term.replace(/^-/, '');
    return columns.includes(column) && nested[column] === undefined;
  });
  return known.length === 0 ? undefined : known.map((term) => (term.startsWith('-') ? `${term.slice(1)} desc` : term));
}

/** Qualified, for the select list's times are texts under the columns' names; by id where rows are else equal. */
export function orderOf({ table, fields, order }: Resource, asked: readonly string[] = order): string {
  const terms = asked.map((term) => {
    const [column = '', direction = ''] = term.split(' ');
    const json = fields[column]?.kind === 'json' ? '::text' : '';
    return `${table}.${column}${json} ${direction}`;
  });
  return [...terms, `${table}.id`].join(', ');
}
