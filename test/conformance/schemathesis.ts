import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { request } from 'undici';
import { MedperfError } from '../../contract';
import { PACKAGE_ROOT } from '../../devstack/package-root';
import {
  DIALECT_NAMES,
  TOKEN_USERS,
  TUTORIAL_PASSWORD,
  TUTORIAL_USERS,
  exampleTutorial,
  openLocalIssuer,
  seedTutorial,
  startRegistry,
} from '../../devstack/registry';
import type { DialectName, RunningRegistry } from '../../devstack/registry';
import { CASE_FILES, caseFiles } from './case-files';
import { readCases } from './case-format';
import { CaseRunner } from './case-run';
import { installedSchemathesis } from './installed-schemathesis';

const SETTINGS = join(PACKAGE_ROOT, 'test', 'conformance', 'schemathesis.toml');
const ROLES = ['admin', 'benchmark_owner', 'model_owner', 'data_owner', 'stranger'];
/** Set-ups of the cases that leave a row in every table. */
const FILLED_BY: Readonly<Record<DialectName, readonly string[]>> = {
  E23: ['result'],
  E25: ['result'],
  HEAD: ['execution', 'asset_model', 'key'],
};
/** E23: a new password and a removed user end a token, and whoever makes the calls has but one. */
const KEEP_CALLER = [
  `create function kept() returns trigger language plpgsql as $$
   begin if tg_op = 'DELETE' then return null; end if; new.token = old.token; return new; end $$`,
  "create trigger kept before update or delete on users for each row when (old.username = 'admin') execute function kept()",
];

interface Started {
  readonly registry: RunningRegistry;
  readonly roles: Readonly<Record<string, string>>;
}

/** `npm run schemathesis`: what the stand-in's schema allows, and what it does not, never makes it fail. */
async function main(): Promise<void> {
  const { dialect, seed, examples } = new Command('schemathesis')
    .addOption(new Option('--dialect <name...>', 'one or more; without: all').choices(Object.keys(CASE_FILES)))
    .option('--seed <number>', 'of the calls; without: at random', String(randomInt(2 ** 31)))
    .option('--examples <number>', 'at random, for each operation', '50')
    .parse()
    .opts<{ dialect?: readonly string[]; seed: string; examples: string }>();
  const program = await installedSchemathesis(log);
  for (const name of DIALECT_NAMES.filter((known) => dialect?.includes(known.toLowerCase()) ?? true)) {
    log(`${name}, seed ${seed}`);
    const { registry, roles } = await start(name);
    try {
      await fill(name, registry, roles);
      if (name === 'E23') for (const statement of KEEP_CALLER) await registry.database.query(statement);
      const words = ['--seed', seed, '--max-examples', examples];
      await runSchemathesis(program, registry, roles['admin'] ?? '', words);
    } finally {
      await registry.close();
    }
  }
}

async function start(dialect: DialectName): Promise<Started> {
  const issuer = dialect === 'E23' ? null : await openLocalIssuer();
  const registry = await startRegistry({
    dialect,
    database: {},
    administrators: issuer === null ? [] : ['testadmin'],
    ...(issuer && { tokens: issuer.settings }),
  });
  await seedTutorial(registry, exampleTutorial(dialect));
  const headers: string[] = [];
  if (issuer) for (const user of TOKEN_USERS) headers.push(`Bearer ${await issuer.tokenFor(user)}`);
  else for (const { username } of TUTORIAL_USERS) headers.push(`Token ${await passwordToken(registry.url, username)}`);
  const roles = Object.fromEntries(ROLES.map((role, index) => [role, headers[index] ?? headers[0] ?? '']));
  return { registry, roles };
}

async function passwordToken(url: string, username: string): Promise<string> {
  const answer = await request(`${url}/api/v0/auth-token/`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username, password: TUTORIAL_PASSWORD }),
  });
  return ((await answer.body.json()) as { token: string }).token;
}

async function fill(dialect: DialectName, { url }: RunningRegistry, roles: Started['roles']): Promise<void> {
  const cases = readCases(caseFiles(dialect.toLowerCase()));
  const setUps = { name: 'rows', area: '', uses: [...FILLED_BY[dialect]], exchanges: [], afterwards: [] };
  const problems = await new CaseRunner({ server: url, roles, cases }).differencesIn(setUps);
  if (problems.length === 0) return;
  throw new MedperfError('InvalidRequest', {
    what: `The stand-in (${dialect}) has no rows to try calls on.`,
    found: problems.join('; '),
    next: 'Run the conformance cases of this dialect first.',
  });
}

/** @throws MedperfError unless it found nothing; what it found is printed by then. */
async function runSchemathesis(
  program: string,
  { dialect, url }: RunningRegistry,
  authorization: string,
  words: readonly string[],
): Promise<void> {
  const schema = `${url}/schema/?format=json`;
  const child = spawn(program, ['--config-file', SETTINGS, 'run', schema, ...words], {
    stdio: 'inherit',
    env: { ...process.env, AUTHORIZATION: authorization },
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code === 0) return;
  throw new MedperfError('InvalidRequest', {
    what: `The stand-in (${dialect}) failed where MedPerf's own server does not.`,
    found: `schemathesis ended with ${code ?? 'a signal'}`,
    next: 'Look at its output above; the same seed makes the same calls.',
  });
}

function log(line: string): void {
  process.stdout.write(`${line}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
