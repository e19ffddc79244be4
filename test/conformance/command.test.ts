import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TOKEN_USERS, openLocalIssuer, startRegistry } from '../../devstack/registry';
import type { RunningRegistry } from '../../devstack/registry';
import { caseFiles } from './case-files';
import { readCases } from './case-format';

const ROOT = join(__dirname, '..', '..');
const ROLES = ['admin', 'benchmark_owner', 'model_owner', 'data_owner', 'stranger'];

interface Ended {
  readonly code: number;
  readonly output: string;
}

const folder = mkdtempSync(join(tmpdir(), 'conformance-'));
const rolesFile = join(folder, 'roles.json');
let server: RunningRegistry;

/** A stand-in at a port of its own, and the roles file that its `tokens.json` makes. */
beforeAll(async () => {
  const issuer = await openLocalIssuer();
  server = await startRegistry({
    dialect: 'E25',
    database: {},
    administrators: ['testadmin'],
    tokens: issuer.settings,
  });
  const tokensFile = join(folder, 'tokens.json');
  await issuer.writeTokens(tokensFile, TOKEN_USERS);
  const tokens = Object.values(JSON.parse(await readFile(tokensFile, 'utf8')) as Record<string, string>);
  const roles = Object.fromEntries(ROLES.map((role, index) => [role, `Bearer ${tokens[index] ?? ''}`]));
  await writeFile(rolesFile, JSON.stringify(roles), { mode: 0o600 });
  expect(await ended('npm', ['run', '--silent', 'conformance', '--', '--help'])).toMatchObject({ code: 0 });
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

function ended(program: string, words: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(program, words, { cwd: ROOT }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), output: `${stdout}${stderr}` });
    });
  });
}

/** The command as `npm run conformance` starts it, once it is compiled. */
function conformance(...words: string[]): Promise<Ended> {
  const program = join(ROOT, 'lib', 'test', 'conformance', 'main.js');
  return ended(process.execPath, [program, '--server', server.url, '--roles', rolesFile, ...words]);
}

it('counts the cases that agree, each of them', async () => {
  const { cases } = readCases(caseFiles('e25'));
  const expected = cases.filter(({ area }) => area === '1.3').length;
  expect(expected).toBeGreaterThan(50);
  expect(await conformance('--dialect', 'e25', '--only', '1.3')).toEqual({
    code: 0,
    output: `${expected} agree, 0 differ, 0 skipped\n`,
  });
});

it('skips and counts the cases of roles that the file lacks', async () => {
  const { code, output } = await conformance('--dialect', 'e25', '--only', 'a token that is');
  expect(code).toBe(0);
  expect(output).toMatch(/no role expired\n.*0 agree, 0 differ, 7 skipped\n$/s);
});

it('tells the differences of a server of another dialect, and fails', async () => {
  const { code, output } = await conformance('--dialect', 'head', '--only', '2.5');
  expect(code).toBe(1);
  expect(output).toMatch(
    /x an asset of least input .*\n\s+POST \/assets\/ as model_owner: status: expected 201, found 404/,
  );
  expect(output).toMatch(/^0 agree, [1-9]\d* differ, 0 skipped\n$/m);
});

it('reads no roles that others can read', async () => {
  await chmod(rolesFile, 0o644);
  try {
    const { code, output } = await conformance('--dialect', 'e25');
    expect([code, output]).toEqual([2, expect.stringContaining('chmod 600 it first')]);
  } finally {
    await chmod(rolesFile, 0o600);
  }
});

it('knows the dialects that there are cases for', async () => {
  const { code, output } = await conformance('--dialect', 'e26');
  expect([code, output]).toEqual([2, expect.stringContaining('there are: e23, e25, head')]);
});
