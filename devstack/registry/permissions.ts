import type { Call } from './calls';
import { LARGEST_INTEGER, wholeNumber } from './field-values';
import type { Resource } from './resource';
import { isObject } from './validation';

/** Asked before anything is looked up or read. */
export type Permission = (call: Call) => Promise<boolean> | boolean;

export const administrator: Permission = (call) => call.user.superuser;

/** The administrator, and whoever else one of these lets. */
export function administratorOr(...others: readonly Permission[]): Permission {
  return async (call) => {
    if (call.user.superuser) return true;
    for (const permission of others) if (await permission(call)) return true;
    return false;
  };
}

/** The owner of the row whose id the path names. */
export function ownerOf(resource: Resource, parameter: string): Permission {
  return (call) => owns(call, resource, call.ids[parameter]);
}

/** The owner of the row whose id the body names. */
export function ownerNamed(resource: Resource, key: string): Permission {
  return (call) => {
    const body = call.body();
    return owns(call, resource, isObject(body) ? wholeNumber(body[key]) : null);
  };
}

export async function owns({ sql, user }: Call, { table }: Resource, id: number | null | undefined): Promise<boolean> {
  if (id === null || id === undefined || Math.abs(id) > LARGEST_INTEGER) return false;
  return (await sql.query(`select 1 from ${table} where id = $1 and owner = $2`, [id, user.id])).length > 0;
}

/** Whether this statement finds a row; `$1` is the id that the path names, `$2` the caller's. */
export function whereFound(parameter: string, statement: string): Permission {
  return async ({ sql, user, ids }) => {
    const id = ids[parameter] ?? 0;
    return id <= LARGEST_INTEGER && (await sql.query(statement, [id, user.id])).length > 0;
  };
}

/** One permission for a body that has the key, another for one without. */
export function whenMentioned(key: string, mentioned: Permission, otherwise: Permission): Permission {
  return (call) => {
    const body = call.body();
    return isObject(body) && Object.hasOwn(body, key) ? mentioned(call) : otherwise(call);
  };
}
