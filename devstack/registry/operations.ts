import { NO_CONTENT, created, ok } from './calls';
import type { Answer, Call } from './calls';
import { referredIn } from './database';
import type { Row } from './database';
import { LARGEST_INTEGER } from './field-values';
import { askedOrder, filterOf } from './filters';
import type { Filter } from './filters';
import { page } from './pages';
import type { Selection } from './pages';
import { administrator } from './permissions';
import type { Permission } from './permissions';
import { notFound, serverFault } from './refusals';
import { fullView } from './resource';
import type { Caller, Resource, View } from './resource';
import { findRow, insertRow, updateRow } from './rows';
import { validate } from './validation';
import type { Completeness } from './validation';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

export interface Operation {
  /** Absent: any signed-in user. */
  readonly permit?: Permission;
  readonly answer: (call: Call) => Promise<Answer>;
  readonly document: OperationDocument;
}

/** What the OpenAPI document says of an operation. */
export interface OperationDocument {
  readonly request?: Shape;
  readonly status: number;
  readonly response?: Shape;
  /** Names of query parameters. */
  readonly query?: readonly string[];
  /** Answers besides those that its kind brings along. */
  readonly statuses?: readonly number[];
}

export type Shape =
  | { readonly one: View }
  | { readonly page: View }
  | { readonly items: Shape }
  | { readonly creation: Resource }
  | { readonly change: Resource; readonly completeness?: Completeness }
  /** A JSON schema of its own. */
  | { readonly schema: object };

/** A path below `/api/v0`, with its numbers as `:name`, and what may be done there. */
export interface Endpoint extends Readonly<Partial<Record<Method, Operation>>> {
  readonly path: string;
}

export interface ListOptions {
  readonly permit?: Permission;
  /** Fields that the query may ask for; absent where the query is not looked at. */
  readonly filters?: readonly string[];
}

/** All rows. */
export function list(view: View, { permit, filters }: ListOptions = {}): Operation {
  return {
    ...(permit && { permit }),
    answer: (call) => filtered(call, view, { conditions: [], values: [] }, filters),
    document: listDocument(view, filters),
  };
}

/** The caller's own rows. */
export function ownRows(view: View, filters?: readonly string[]): Operation {
  const { table, maker } = view.resource;
  return {
    answer: (call) => {
      const own = { conditions: [`${table}.${maker ?? 'id'} = $1`], values: [call.user.id] };
      return filtered(call, view, own, filters);
    },
    document: listDocument(view, filters),
  };
}

async function filtered(call: Call, view: View, base: Filter, filters: readonly string[] | undefined): Promise<Answer> {
  const { conditions, values } = filters ? await filterOf(call, view.resource, filters, base) : base;
  const where = conditions.length > 0 ? `where ${conditions.join(' and ')}` : '';
  const order = filters && askedOrder(call.address, view);
  return page(call, { view, where, values, ...(order && { order }) });
}

function listDocument(view: View, filters: readonly string[] | undefined): OperationDocument {
  if (filters === undefined) return { status: 200, response: { page: view } };
  return { status: 200, response: { page: view }, query: [...filters, 'ordering'], statuses: [400] };
}

/** The rows that `select` picks by the call; `exists` is a resource whose row the path's `id` must name. */
export function rowsOf(
  view: View,
  select: (call: Call) => Omit<Selection, 'view'>,
  { permit, exists }: { permit?: Permission; exists?: Resource } = {},
): Operation {
  return {
    ...(permit && { permit }),
    answer: async (call) => {
      if (exists) await mustExist(call, exists, 'id');
      return page(call, { view, ...select(call) });
    },
    document: { status: 200, response: { page: view } },
  };
}

export function create(view: View, permit?: Permission): Operation {
  return {
    ...(permit && { permit }),
    answer: async (call) => created(await createRow(call, view, call.body())),
    document: { request: { creation: view.resource }, status: 201, response: { one: view } },
  };
}

/** Makes a row as a POST does. @throws Invalid */
export async function createRow(caller: Caller, view: View, body: unknown): Promise<Row> {
  const change = await validate(caller, view.resource, body, null);
  return (await findRow(caller.sql, view, await insertRow(change))) ?? missing();
}

export interface ReadOptions {
  readonly permit?: Permission;
  /** Who sees the row as another view shows it. */
  readonly instead?: { readonly view: View; readonly to: Permission };
}

export function read(view: View, { permit, instead }: ReadOptions = {}): Operation {
  return {
    ...(permit && { permit }),
    answer: async (call) => {
      const shown = instead && (await instead.to(call)) ? instead.view : view;
      return ok((await findRow(call.sql, shown, idOf(call, 'id'))) ?? missing());
    },
    document: { status: 200, response: { one: view } },
  };
}

export function change(view: View, permit: Permission, completeness: Completeness = 'partial'): Operation {
  return {
    permit,
    answer: async (call) => ok(await changeRow(call, view, idOf(call, 'id'), call.body(), completeness)),
    document: { request: { change: view.resource, completeness }, status: 200, response: { one: view } },
  };
}

/** Changes a row as a PUT does. @throws Invalid, and Refusal 404 */
export async function changeRow(
  caller: Caller,
  view: View,
  id: number,
  body: unknown,
  completeness: Completeness = 'partial',
): Promise<Row> {
  const existing = (await findRow(caller.sql, fullView(view.resource), id, 'for update')) ?? missing();
  await updateRow(await validate(caller, view.resource, body, existing, completeness));
  return (await findRow(caller.sql, view, id)) ?? missing();
}

/** A row that others refer to makes the real server fail. */
export function remove({ table }: Resource, permit: Permission = administrator): Operation {
  return {
    permit,
    answer: async (call) => {
      try {
        const removed = await call.sql.query(`delete from ${table} where id = $1 returning id`, [idOf(call, 'id')]);
        return removed.length > 0 ? NO_CONTENT : missing();
      } catch (error) {
        if (referredIn(error) !== null) throw serverFault();
        throw error;
      }
    },
    document: { status: 204, statuses: [500] },
  };
}

/** @throws Refusal 404 */
export async function mustExist(call: Call, { table }: Resource, parameter: string): Promise<void> {
  const found = await call.sql.query(`select 1 from ${table} where id = $1`, [idOf(call, parameter)]);
  if (found.length === 0) missing();
}

/** A number of the path. @throws Refusal 404 for one that no row can have. */
export function idOf(call: Call, parameter: string): number {
  const id = call.ids[parameter];
  return id === undefined || id > LARGEST_INTEGER ? missing() : id;
}

export function missing(): never {
  throw notFound();
}
