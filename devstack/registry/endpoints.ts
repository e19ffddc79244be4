import { USER_COLUMNS, findUser } from './accounts';
import { changeAssociation, createAssociation, pairHistory, removePair } from './associations';
import type { Pair } from './associations';
import { changeBenchmark, createBenchmark } from './benchmarks';
import { NO_CONTENT, created, ok, page } from './calls';
import type { Answer, Call } from './calls';
import { changeCube, createCube } from './cubes';
import { referredIn } from './database';
import type { Sql } from './database';
import { LARGEST_INTEGER, wholeNumber } from './fields';
import { notFound, serverFault } from './refusals';
import { ASSOCIATIONS, BENCHMARKS, CUBES, columnsOf, findRow, timeColumn } from './resources';
import type { Resource } from './resources';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';
export type Permission = (call: Call) => Promise<boolean> | boolean;

export interface Operation {
  /** Absent: any signed-in user. Asked before anything is looked up or read. */
  readonly permit?: Permission;
  readonly answer: (call: Call) => Promise<Answer>;
}

/** A path below `/api/v0`, with its numbers as `:name`, and what may be done there. */
export interface Endpoint {
  readonly path: string;
  readonly operations: Readonly<Partial<Record<Method, Operation>>>;
}

const administrator: Permission = (call) => call.user.superuser;
const cubeOwner: Permission = async (call) => administrator(call) || (await owns(call, CUBES, call.ids.cube));
const benchmarkOwner: Permission = async (call) =>
  administrator(call) || (await owns(call, BENCHMARKS, call.ids.benchmark));
const eitherOwner: Permission = async (call) => (await benchmarkOwner(call)) || cubeOwner(call);

/** The decision on a benchmark is the administrator's alone. */
const benchmarkChanger: Permission = (call) =>
  mentions(call.body(), 'approval_status') ? administrator(call) : benchmarkOwner(call);

/** The priority is the benchmark owner's alone. */
const associationChanger: Permission = (call) =>
  mentions(call.body(), 'priority') ? benchmarkOwner(call) : eitherOwner(call);

const associationMaker: Permission = async (call) => {
  const body = call.body();
  const named = (key: string): number | undefined =>
    isObject(body) ? (wholeNumber(body[key]) ?? undefined) : undefined;
  return (
    administrator(call) ||
    (await owns(call, BENCHMARKS, named('benchmark'))) ||
    owns(call, CUBES, named('model_mlcube'))
  );
};

export const ENDPOINTS: readonly Endpoint[] = [
  {
    path: '/me/',
    operations: { GET: { answer: async (call) => ok(await findUser(call.sql, call.user.id)) } },
  },
  { path: '/me/mlcubes/', operations: { GET: { answer: (call) => list(call, CUBES, 'mlcubes where owner = $1') } } },
  {
    path: '/me/benchmarks/',
    operations: { GET: { answer: (call) => list(call, BENCHMARKS, 'benchmarks where owner = $1') } },
  },
  {
    path: '/me/mlcubes/associations/',
    operations: {
      GET: {
        answer: (call) =>
          list(
            call,
            ASSOCIATIONS,
            `model_associations where model_mlcube in (select id from mlcubes where owner = $1)
             or benchmark in (select id from benchmarks where owner = $1)`,
          ),
      },
    },
  },
  {
    path: '/users/',
    operations: {
      GET: {
        permit: administrator,
        answer: (call) => page(call, { columns: USER_COLUMNS, from: 'users', values: [], order: 'id' }),
      },
    },
  },
  {
    path: '/users/:user/',
    operations: {
      GET: {
        permit: (call) => administrator(call) || call.user.id === call.ids.user,
        answer: async (call) => ok((await findUser(call.sql, idOf(call, 'user'))) ?? missing()),
      },
    },
  },
  {
    path: '/mlcubes/',
    operations: {
      GET: { answer: (call) => list(call, CUBES) },
      POST: { answer: async (call) => created(await createCube(call.sql, call.user.id, call.body())) },
    },
  },
  {
    path: '/mlcubes/:cube/',
    operations: {
      GET: { answer: async (call) => ok((await findRow(call.sql, CUBES, idOf(call, 'cube'))) ?? missing()) },
      PUT: {
        permit: cubeOwner,
        answer: async (call) => ok(await changeCube(call.sql, idOf(call, 'cube'), call.body())),
      },
      DELETE: { permit: administrator, answer: (call) => remove(call.sql, CUBES, idOf(call, 'cube')) },
    },
  },
  {
    path: '/mlcubes/benchmarks/',
    operations: {
      POST: {
        permit: associationMaker,
        answer: async (call) => created(await createAssociation(call.sql, call.user.id, call.body())),
      },
    },
  },
  {
    path: '/mlcubes/:cube/benchmarks/:benchmark/',
    operations: {
      GET: { permit: eitherOwner, answer: async (call) => ok(await pairHistory(call.sql, pairOf(call))) },
      PUT: {
        permit: associationChanger,
        answer: async (call) => ok(await changeAssociation(call.sql, pairOf(call), call.user.id, call.body())),
      },
      DELETE: {
        permit: administrator,
        answer: async (call) => ((await removePair(call.sql, pairOf(call))) ? NO_CONTENT : missing()),
      },
    },
  },
  {
    path: '/benchmarks/',
    operations: {
      GET: { answer: (call) => list(call, BENCHMARKS) },
      POST: { answer: async (call) => created(await createBenchmark(call.sql, call.user.id, call.body())) },
    },
  },
  {
    path: '/benchmarks/:benchmark/',
    operations: {
      GET: { answer: async (call) => ok((await findRow(call.sql, BENCHMARKS, idOf(call, 'benchmark'))) ?? missing()) },
      PUT: {
        permit: benchmarkChanger,
        answer: async (call) => ok(await changeBenchmark(call.sql, idOf(call, 'benchmark'), call.body())),
      },
      DELETE: { permit: administrator, answer: (call) => remove(call.sql, BENCHMARKS, idOf(call, 'benchmark')) },
    },
  },
  {
    path: '/benchmarks/:benchmark/models/',
    operations: {
      GET: {
        permit: benchmarkOwner,
        answer: (call) =>
          page(call, {
            columns: `model_mlcube, approval_status, ${timeColumn('created_at')}`,
            from: 'model_associations where benchmark = $1',
            values: [idOf(call, 'benchmark')],
            order: ASSOCIATIONS.order,
          }),
      },
    },
  },
];

/** A list of all rows, or of those that `from` (with the caller as `$1`) picks. */
function list(call: Call, resource: Resource, from?: string): Promise<Answer> {
  return page(call, {
    columns: columnsOf(resource),
    from: from ?? resource.table,
    values: from === undefined ? [] : [call.user.id],
    // Qualified, for the select list's times are texts under the columns' names.
    order: resource.order.replaceAll('modified_at', `${resource.table}.modified_at`),
  });
}

async function remove(sql: Sql, resource: Resource, id: number): Promise<Answer> {
  try {
    const removed = await sql.query(`delete from ${resource.table} where id = $1 returning id`, [id]);
    return removed.length > 0 ? NO_CONTENT : missing();
  } catch (error) {
    if (referredIn(error) !== null) throw serverFault();
    throw error;
  }
}

async function owns(call: Call, resource: Resource, id: number | undefined): Promise<boolean> {
  if (id === undefined || Math.abs(id) > LARGEST_INTEGER) return false;
  const text = `select id from ${resource.table} where id = $1 and owner = $2`;
  return (await call.sql.query(text, [id, call.user.id])).length > 0;
}

function pairOf(call: Call): Pair {
  return { cube: idOf(call, 'cube'), benchmark: idOf(call, 'benchmark') };
}

function idOf(call: Call, name: string): number {
  const id = call.ids[name];
  return id === undefined || id > LARGEST_INTEGER ? missing() : id;
}

function missing(): never {
  throw notFound();
}

function mentions(body: unknown, key: string): boolean {
  return isObject(body) && Object.hasOwn(body, key);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
