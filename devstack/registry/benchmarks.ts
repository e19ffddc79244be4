import { nameTaken } from './cubes';
import { repeatedIn } from './database';
import type { Row, Sql } from './database';
import { readFields } from './fields';
import type { Values } from './fields';
import { invalidFields, invalidObject, notFound } from './refusals';
import { BENCHMARKS, findRow, insertRow, refuseFrozen, updateRow } from './resources';

const NOT_OPERATIONAL = 'User cannot mark a benchmark as operational if its MLCubes are not operational';

export async function createBenchmark(sql: Sql, owner: number, body: unknown): Promise<Row> {
  await sql.query('select id from users where id = $1 for update', [owner]);
  const values = await readFields(sql, BENCHMARKS, body, null);
  const pending = "select id from benchmarks where owner = $1 and approval_status = 'PENDING'";
  if ((await sql.query(pending, [owner])).length > 0) {
    throw invalidObject('User can own at most one pending benchmark');
  }
  if (values.state === 'OPERATION' && !(await cubesOperational(sql, values))) throw invalidObject(NOT_OPERATIONAL);
  return unique(() => insertRow(sql, BENCHMARKS, owner, values));
}

export async function changeBenchmark(sql: Sql, id: number, body: unknown): Promise<Row> {
  const existing = await findRow(sql, BENCHMARKS, id, 'for update');
  if (existing === undefined) throw notFound();
  const values = await readFields(sql, BENCHMARKS, body, id);
  if (values.state === 'OPERATION' && !(await cubesOperational(sql, existing))) {
    throw invalidFields({ state: [NOT_OPERATIONAL] });
  }
  refuseDecision(existing, values);
  refuseFrozen(BENCHMARKS, existing, values);
  return unique(() => updateRow(sql, BENCHMARKS, existing, values));
}

function refuseDecision(existing: Row, { approval_status: status }: Values): void {
  if (status === 'PENDING') {
    throw invalidFields({ approval_status: ['User can only approve or reject a benchmark'] });
  }
  if (status === 'APPROVED' && existing.approval_status === 'REJECTED') {
    throw invalidFields({ approval_status: ['User can approve only a pending request'] });
  }
}

async function cubesOperational(sql: Sql, benchmark: Values): Promise<boolean> {
  const cubes = [benchmark.data_preparation_mlcube, benchmark.reference_model_mlcube, benchmark.data_evaluator_mlcube];
  const development = "select id from mlcubes where id in ($1, $2, $3) and state = 'DEVELOPMENT'";
  return (await sql.query(development, cubes)).length === 0;
}

async function unique(write: () => Promise<Row>): Promise<Row> {
  try {
    return await write();
  } catch (error) {
    if (repeatedIn(error) === 'benchmarks_name') throw nameTaken(BENCHMARKS.label);
    throw error;
  }
}
