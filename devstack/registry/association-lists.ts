import type { AssociationKind } from './associations';
import { rowsOf } from './operations';
import type { Operation } from './operations';
import { whereFound } from './permissions';
import type { Permission } from './permissions';
import { fullView, viewOf } from './resource';
import type { View } from './resource';

/** `/me/<plural>/associations/`: rows of components and of benchmarks of the caller's, history included. */
export function ownAssociations({ associations, component, column }: AssociationKind): Operation {
  const where = `where ${column} in (select id from ${component.table} where owner = $1)
    or benchmark in (select id from benchmarks where owner = $1)`;
  return rowsOf(fullView(associations), (call) => ({ where, values: [call.user.id] }));
}

/** `/<plural>/{id}/benchmarks/`: all rows of one component. */
export function componentAssociations(kind: AssociationKind, permit?: Permission): Operation {
  const { associations, component, column } = kind;
  return rowsOf(fullView(associations), ({ ids }) => ({ where: `where ${column} = $1`, values: [ids.id] }), {
    ...(permit && { permit }),
    exists: component,
  });
}

/** `/benchmarks/{id}/<plural>/`: what was asked for and decided, without whom or why. */
export function benchmarkAssociations(kind: AssociationKind, permit: Permission): Operation {
  const { associations, column, benchmarks } = kind;
  const view = viewOf(`${associations.schema}OfBenchmark`, associations, [column, 'approval_status', 'created_at']);
  return rowsOf(view, ({ ids }) => ({ where: 'where benchmark = $1', values: [ids.id] }), {
    permit,
    exists: benchmarks,
  });
}

/** `/benchmarks/{id}/<plural>/` of the tutorial's time: for each row the component itself, as a view shows it. */
export function benchmarkComponents(
  { associations, column, benchmarks }: AssociationKind,
  view: View,
  permit?: Permission,
): Operation {
  const { table } = view.resource;
  const where = `join ${associations.table} on ${associations.table}.${column} = ${table}.id where benchmark = $1`;
  return rowsOf(view, ({ ids }) => ({ where, values: [ids.id] }), { ...(permit && { permit }), exists: benchmarks });
}

/** The components whose newest association with benchmark `$1` is approved. */
export function associatedComponents({ table, column }: Pick<AssociationKind, 'table' | 'column'>): string {
  return `select ${column} from
    (select distinct on (${column}) ${column}, approval_status from ${table} where benchmark = $1
     order by ${column}, created_at desc) newest
    where approval_status = 'APPROVED'`;
}

/** The owner of a component that is associated with the benchmark of the path's `id`. */
export function associatedOwner(kind: AssociationKind): Permission {
  const { table } = kind.component;
  return whereFound('id', `select 1 from ${table} where owner = $2 and id in (${associatedComponents(kind)})`);
}
