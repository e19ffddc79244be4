import { created, ok } from '../calls';
import { now } from '../clock';
import type { Row } from '../database';
import { idOf, missing } from '../operations';
import type { Operation } from '../operations';
import type { Permission } from '../permissions';
import { Invalid, invalidFields } from '../refusals';
import { fullView, withNested } from '../resource';
import type { Caller, Change } from '../resource';
import { findRow, insertRow, readRows, updateRow } from '../rows';
import { isObject, validate } from '../validation';
import { ASSETS, CUBES, MODELS } from './resources';

/** A model with its container or asset inside. */
export const MODEL = withNested(fullView(MODELS), { container: fullView(CUBES), asset: fullView(ASSETS) });
/** A model with the ids of these: what a PUT answers. */
const MODEL_OF_IDS = { ...fullView(MODELS), schema: 'ModelDetail' };

const PARTS = { container: CUBES, asset: ASSETS } as const;

export const createModelOperation: Operation = {
  answer: async (call) => created(await createModel(call, call.body())),
  document: { request: { creation: MODELS }, status: 201, response: { one: MODEL } },
};

/** Makes the model and what it consists of. @throws Invalid, with the messages about a part one level down. */
export async function createModel(caller: Caller, body: unknown): Promise<Row> {
  const change = await validate(caller, MODELS, body, null);
  const ids: Record<string, number | null> = {};
  for (const [column, resource] of Object.entries(PARTS)) {
    const values = change.values[column];
    ids[column] = isObject(values) ? await insertPart(column, { ...change, resource, values }) : null;
  }
  const id = await insertRow({ ...change, values: { ...change.values, ...ids } });
  return (await findRow(caller.sql, MODEL, id)) ?? missing();
}

async function insertPart(column: string, change: Change): Promise<number> {
  try {
    return await insertRow(change);
  } catch (error) {
    throw error instanceof Invalid ? invalidFields({ [column]: error.messages }) : error;
  }
}

/**
 * State and validity go down to what the model consisted of, also when the same PUT gives it another part; nothing comes up
 * from there.
 */
export function changeModel(permit: Permission): Operation {
  return {
    permit,
    answer: async (call) => {
      const existing = (await findRow(call.sql, MODEL_OF_IDS, idOf(call, 'id'), 'for update')) ?? missing();
      const change = await validate(call, MODELS, call.body(), existing);
      await updateRow(change);
      await passDown(change, existing);
      return ok((await findRow(call.sql, MODEL_OF_IDS, Number(existing.id))) ?? missing());
    },
    document: { request: { change: MODELS }, status: 200, response: { one: MODEL_OF_IDS } },
  };
}

async function passDown({ caller, values }: Change, model: Row): Promise<void> {
  const [table, id] = model.type === 'ASSET' ? ['assets', model.asset] : ['mlcubes', model.container];
  await caller.sql.query(
    `update ${table} set state = coalesce($2, state), is_valid = coalesce($3, is_valid), modified_at = $4 where id = $1`,
    [id, values.state ?? null, values.is_valid ?? null, now()],
  );
}

/** The model that consists of the container or asset of the path. */
export function modelOf(column: keyof typeof PARTS): Operation {
  return {
    answer: async (call) => {
      const [model] = await readRows(call.sql, MODEL, `models where ${column} = $1`, [idOf(call, 'id')]);
      return ok(model ?? missing());
    },
    document: { status: 200, response: { one: MODEL } },
  };
}
