import { created, ok } from '../calls';
import type { Call } from '../calls';
import { LARGEST_INTEGER, pythonType, wholeNumber } from '../field-values';
import type { Operation } from '../operations';
import { administratorOr } from '../permissions';
import type { Permission } from '../permissions';
import { Invalid, Refusal, invalidObject } from '../refusals';
import type { FieldMessages } from '../refusals';
import { fullView } from '../resource';
import type { Change, Resource } from '../resource';
import { findRow, insertRow, readRows, updateRow } from '../rows';
import { isObject, validate } from '../validation';
import { ENCRYPTED_KEYS } from './certificates';
import { CUBES } from './resources';

export const ENCRYPTED_KEY = fullView(ENCRYPTED_KEYS);

/** Makes many keys, all of them or none. */
export const createKeys: Operation = {
  permit: administratorOr(ownerOfAll(CUBES, 'container')),
  answer: async (call) => {
    const changes = await eachItem(call, (item) => validate(call, ENCRYPTED_KEYS, item, null));
    const ids: number[] = [];
    for (const change of changes) ids.push(await insertRow(change));
    return created(await keys(call, ids));
  },
  document: {
    request: { items: { creation: ENCRYPTED_KEYS } },
    status: 201,
    response: { items: { one: ENCRYPTED_KEY } },
  },
};

const INVALIDATION = {
  type: 'object',
  required: ['id', 'is_valid', 'encrypted_key_base64'],
  properties: {
    id: { type: 'integer' },
    is_valid: { type: 'boolean', enum: [false] },
    encrypted_key_base64: { type: 'string', minLength: 1 },
  },
};

/** Invalidates many keys and overwrites them, all of them or none. */
export const changeKeys: Operation = {
  permit: administratorOr(ownerOfAll(ENCRYPTED_KEYS, 'id')),
  answer: async (call) => {
    const changes = await eachItem(call, (item) => validateChange(call, item));
    for (const change of changes) await updateRow(change);
    return ok(
      await keys(
        call,
        changes.map(({ existing }) => Number(existing?.id)),
      ),
    );
  },
  document: {
    request: { items: { schema: INVALIDATION } },
    status: 200,
    response: { items: { one: ENCRYPTED_KEY } },
  },
};

async function validateChange(call: Call, item: unknown): Promise<Change> {
  const id = idIn(item, 'id');
  if (id === null) throw new Invalid({ id: ['This field is required.'] });
  const existing = await findRow(call.sql, ENCRYPTED_KEY, id, 'for update');
  if (existing === undefined) throw invalidObject(`There is no encrypted key ${id}`);
  return validate(call, ENCRYPTED_KEYS, item, existing);
}

/** @throws Refusal 400 with the messages of every item at its place. */
async function eachItem(call: Call, read: (item: unknown) => Promise<Change>): Promise<Change[]> {
  const body = call.body();
  if (!Array.isArray(body)) throw invalidObject(`Expected a list of items but got type "${pythonType(body)}".`);
  const changes: Change[] = [];
  const messages: FieldMessages[] = [];
  for (const item of body as readonly unknown[]) {
    try {
      changes.push(await read(item));
      messages.push({});
    } catch (error) {
      if (!(error instanceof Invalid)) throw error;
      messages.push(error.messages);
    }
  }
  if (changes.length < messages.length) throw new Refusal(400, messages);
  return changes;
}

/** Whoever owns all the rows that the items name, at least one of them being there. */
function ownerOfAll({ table }: Resource, key: string): Permission {
  return async (call) => {
    const body = call.body();
    if (!Array.isArray(body)) return false;
    const ids = body.map((item: unknown) => idIn(item, key));
    if (ids.includes(null)) return false;
    const owners = await call.sql.query(`select owner from ${table} where id = any($1)`, [ids]);
    return owners.length > 0 && owners.every(({ owner }) => owner === call.user.id);
  };
}

function idIn(item: unknown, key: string): number | null {
  const id = isObject(item) ? wholeNumber(item[key]) : null;
  return id !== null && Math.abs(id) <= LARGEST_INTEGER ? id : null;
}

function keys(call: Call, ids: readonly number[]): Promise<unknown[]> {
  return readRows(
    call.sql,
    ENCRYPTED_KEY,
    'encrypted_keys where encrypted_keys.id = any($1) order by encrypted_keys.id',
    [ids],
  );
}
