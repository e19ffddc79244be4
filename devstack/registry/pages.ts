import { ok } from './calls';
import type { Address, Answer, Call } from './calls';
import { LARGEST_INTEGER, wholeNumber } from './field-values';
import { orderOf } from './filters';
import { readRows } from './rows';
import type { View } from './resource';

export interface Selection {
  readonly view: View;
  /** Further tables and the condition, after the view's table; its `$1…` are `values`. */
  readonly where?: string;
  readonly values?: readonly unknown[];
  /** Other than the resource's own. */
  readonly order?: readonly string[];
}

const DEFAULT_LIMIT = 32;

/** One page of a list by `limit` and `offset`; a limit that makes no sense is the default, and there is no maximum. */
export async function page(call: Call, { view, where = '', values = [], order }: Selection): Promise<Answer> {
  const { query } = call.address;
  const limit = within(query.get('limit'), 1) ?? DEFAULT_LIMIT;
  const offset = within(query.get('offset'), 0) ?? 0;
  const from = `${view.resource.table} ${where}`;
  const [total] = await call.sql.query(`select count(*)::int as count from ${from}`, values);
  const count = Number(total?.count);
  const sorted = `order by ${orderOf(view.resource, order)} limit ${limit} offset ${offset}`;
  return ok({
    count,
    next: offset + limit < count ? link(call.address, limit, offset + limit) : null,
    previous: offset > 0 ? link(call.address, limit, offset - limit) : null,
    results: await readRows(call.sql, view, `${from} ${sorted}`, values),
  });
}

function within(text: string | null, minimum: number): number | null {
  const number = wholeNumber(text);
  return number === null || number < minimum ? null : Math.min(number, LARGEST_INTEGER);
}

function link({ host, path, query }: Address, limit: number, offset: number): string {
  const parameters = new URLSearchParams(query);
  parameters.set('limit', String(limit));
  if (offset > 0) parameters.set('offset', String(offset));
  else parameters.delete('offset');
  parameters.sort();
  return `https://${host}${path}?${parameters.toString()}`;
}
