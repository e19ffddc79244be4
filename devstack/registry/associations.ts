import { NO_CONTENT, ok } from './calls';
import type { Call } from './calls';
import { lockPair, newestRow } from './association-rules';
import type { AssociationSide } from './association-rules';
import type { Row } from './database';
import { create, idOf, missing } from './operations';
import type { Endpoint, Operation } from './operations';
import { administrator, administratorOr, ownerNamed, ownerOf, whenMentioned } from './permissions';
import type { Permission } from './permissions';
import { invalidObject, serverFault } from './refusals';
import { fullView, viewOf } from './resource';
import type { Resource, View } from './resource';
import { findRow, readRows, updateRow } from './rows';
import { isObject, validate } from './validation';

/** What is associated with benchmarks, and who may do what. */
export interface AssociationKind extends AssociationSide {
  readonly associations: Resource;
  readonly component: Resource;
  readonly benchmarks: Resource;
  /** Short for errors: "model", "dataset". */
  readonly what: string;
  /** Beside the administrator; absent: the administrator alone. */
  readonly anyPartyRemoves?: true;
  /** A decision on a pair that does not exist is refused; absent: the real server fails. */
  readonly refusesUnknownPair?: true;
  /** A PUT that does not say so makes the real server fail. */
  readonly failsWithoutStatus?: true;
}

/** POST `/<plural>/benchmarks/`, and the pair's own path. */
export function associationEndpoints(plural: string, kind: AssociationKind): readonly Endpoint[] {
  const { associations, benchmarks, component, column, anyPartyRemoves } = kind;
  const benchmarkOwner = ownerOf(benchmarks, 'benchmark');
  const eitherOwner = administratorOr(benchmarkOwner, ownerOf(component, 'id'));
  // Also where there is no such field: the real server asks before it looks at what may be changed.
  const changer = whenMentioned('priority', administratorOr(benchmarkOwner), eitherOwner);
  const maker = administratorOr(ownerNamed(benchmarks, 'benchmark'), ownerNamed(component, column));
  return [
    { path: `/${plural}/benchmarks/`, POST: create(fullView(associations), maker) },
    {
      path: `/${plural}/:id/benchmarks/:benchmark/`,
      GET: pairHistory(kind, eitherOwner),
      PUT: pairChange(kind, changer),
      DELETE: pairRemoval(kind, anyPartyRemoves ? eitherOwner : administrator),
    },
  ];
}

/** An answer about a pair names neither the pair nor the row. */
function shortView({ associations, column }: AssociationKind): View {
  const hidden = [column, 'benchmark', 'metadata'];
  const columns = Object.keys(associations.fields).filter((name) => !hidden.includes(name));
  return viewOf(`${associations.schema}Approval`, associations, columns);
}

function pairHistory(kind: AssociationKind, permit: Permission): Operation {
  const { associations, column } = kind;
  const view = shortView(kind);
  return {
    permit,
    answer: async (call) => {
      const text = `${associations.table} where ${column} = $1 and benchmark = $2 order by ${associations.table}.id`;
      return ok(await readRows(call.sql, view, text, [idOf(call, 'id'), idOf(call, 'benchmark')]));
    },
    document: { status: 200, response: { items: { one: view } } },
  };
}

function pairChange(kind: AssociationKind, permit: Permission): Operation {
  const view = shortView(kind);
  return {
    permit,
    answer: async (call) => ok(await changePair(call, kind, view)),
    document: { request: { change: kind.associations }, status: 200, response: { one: view }, statuses: [500] },
  };
}

async function changePair(call: Call, kind: AssociationKind, view: View): Promise<Row> {
  const { associations, what } = kind;
  const pair = { component: idOf(call, 'id'), benchmark: idOf(call, 'benchmark') };
  await lockPair(call.sql, kind, pair);
  const newest = await newestRow(call.sql, kind, pair);
  const body = call.body();
  const decides = isObject(body) && Object.hasOwn(body, 'approval_status');
  if (newest === undefined) {
    // MedPerf's own server fails here; clients have to cope with it.
    if (decides && !kind.refusesUnknownPair) throw serverFault();
    throw invalidObject(`No ${what} association found`);
  }
  if (!decides && kind.failsWithoutStatus) throw serverFault();
  const existing = (await findRow(call.sql, fullView(associations), newest.id, 'for update')) ?? missing();
  await updateRow(await validate(call, associations, body, existing));
  return (await findRow(call.sql, view, newest.id)) ?? missing();
}

function pairRemoval({ associations, column }: AssociationKind, permit: Permission): Operation {
  return {
    permit,
    answer: async (call) => {
      const pair = [idOf(call, 'id'), idOf(call, 'benchmark')];
      await call.sql.query(`delete from ${associations.table} where ${column} = $1 and benchmark = $2`, pair);
      return NO_CONTENT;
    },
    document: { status: 204 },
  };
}
