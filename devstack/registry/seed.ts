import { createAccount } from './accounts';
import type { Sql } from './database';
import { DIALECTS } from './dialects';
import { changeRow } from './operations';
import type { RunningRegistry } from './server';
import { TUTORIAL_PASSWORD } from './tutorial';
import type { Tutorial } from './tutorial';

export interface TutorialUser {
  readonly username: string;
  readonly email: string;
  readonly superuser: boolean;
}

/** The tutorial's users in the order of their ids, from 1; the password of all is {@link TUTORIAL_PASSWORD}. */
export const TUTORIAL_USERS = [
  { username: 'admin', email: 'admin@example.com', superuser: true },
  { username: 'testbenchmarkowner', email: 'testbo@example.com', superuser: false },
  { username: 'testmodelowner', email: 'testmo@example.com', superuser: false },
  { username: 'testdataowner', email: 'testdo@example.com', superuser: false },
] as const satisfies readonly TutorialUser[];

/**
 * The users of a development server with tokens; the first user there is the server's own `admin`. The last has no part in the
 * tutorial: somebody has to be the stranger of the conformance cases.
 */
export const TOKEN_USERS = [
  { username: 'testadmin', email: 'testadmin@example.com', superuser: true },
  { username: 'testbo', email: 'testbo@example.com', superuser: false },
  { username: 'testmo', email: 'testmo@example.com', superuser: false },
  { username: 'testdo', email: 'testdo@example.com', superuser: false },
  { username: 'testao', email: 'testao@example.com', superuser: false },
] as const satisfies readonly TutorialUser[];

/**
 * Fills an empty registry like the tutorial: its users, three cubes (data preparator, reference model, metrics) or what the
 * dialect has in their place, and benchmark 1, operational and approved; all of it or nothing.
 * @returns false when there is a benchmark already, and nothing was done.
 * @throws MedperfError for the tutorial of another dialect, Refusal when a record breaks the registry's rules.
 */
export async function seedTutorial(registry: RunningRegistry, tutorial: Tutorial): Promise<boolean> {
  const { seed, benchmarks, passwords } = DIALECTS[registry.dialect];
  return registry.database.transaction(async (sql) => {
    await sql.query('lock table benchmarks in exclusive mode');
    if ((await sql.query('select 1 from benchmarks limit 1')).length > 0) return false;
    const { administrator, owner } = await makeUsers(sql, passwords);
    const settings = { autoApproveBenchmarksFrom: [] };
    const benchmark = await seed({ sql, user: { id: owner, superuser: false }, settings }, tutorial);
    const decider = { sql, user: { id: administrator, superuser: true }, settings };
    await changeRow(decider, benchmarks, Number(benchmark.id), { approval_status: 'APPROVED' });
    return true;
  });
}

async function makeUsers(sql: Sql, passwords: boolean): Promise<{ administrator: number; owner: number }> {
  const ids: number[] = [];
  for (const user of passwords ? TUTORIAL_USERS : TOKEN_USERS) {
    ids.push(await createAccount(sql, { ...user, ...(passwords && { password: TUTORIAL_PASSWORD }) }));
  }
  const [administrator = 0, owner = 0] = ids;
  return { administrator, owner };
}
