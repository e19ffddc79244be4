import type { Account } from './accounts';
import type { Row, Sql } from './database';
import { LARGEST_INTEGER, wholeNumber } from './fields';

/** One request, after its sender is known. */
export interface Call {
  readonly sql: Sql;
  readonly user: Account;
  /** Numbers in the path, by name. */
  readonly ids: Readonly<Record<string, number>>;
  readonly address: PageAddress;
  /** @throws Refusal 400 or 415 when the body is not JSON. */
  body(): unknown;
}

/** The address as the client wrote it; links to other pages are built from it. */
export interface PageAddress {
  readonly host: string;
  readonly path: string;
  readonly query: URLSearchParams;
}

export interface Answer {
  readonly status: number;
  readonly body?: unknown;
}

export function ok(body: unknown): Answer {
  return { status: 200, body };
}

export function created(body: unknown): Answer {
  return { status: 201, body };
}

export const NO_CONTENT: Answer = { status: 204 };

export interface Selection {
  /** Select list. */
  readonly columns: string;
  /** Table and everything after it up to the order; its `$1…` are `values`. */
  readonly from: string;
  readonly values: readonly unknown[];
  readonly order: string;
}

const DEFAULT_LIMIT = 32;

/** One page of a list by `limit` and `offset`; a limit that makes no sense is the default, and there is no maximum. */
export async function page(call: Call, { columns, from, values, order }: Selection): Promise<Answer> {
  const { query } = call.address;
  const limit = within(query.get('limit'), 1) ?? DEFAULT_LIMIT;
  const offset = within(query.get('offset'), 0) ?? 0;
  const [total] = await call.sql.query(`select count(*)::int as count from ${from}`, values);
  const count = Number(total?.count);
  const results: readonly Row[] = await call.sql.query(
    `select ${columns} from ${from} order by ${order} limit ${limit} offset ${offset}`,
    values,
  );
  return ok({
    count,
    next: offset + limit < count ? link(call.address, limit, offset + limit) : null,
    previous: offset > 0 ? link(call.address, limit, offset - limit) : null,
    results,
  });
}

function within(text: string | null, minimum: number): number | null {
  const number = wholeNumber(text);
  return number === null || number < minimum ? null : Math.min(number, LARGEST_INTEGER);
}

function link({ host, path, query }: PageAddress, limit: number, offset: number): string {
  const parameters = new URLSearchParams(query);
  parameters.set('limit', String(limit));
  if (offset > 0) parameters.set('offset', String(offset));
  else parameters.delete('offset');
  parameters.sort();
  return `https://${host}${path}?${parameters.toString()}`;
}
