/**
 * Makes a fresh clone ready to run: checks Node.js, installs the packages that package-lock.json names, builds `lib`.
 * Needs no package itself, and is done in a moment when nothing changed.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const OLDEST_NODE = [20, 19];
const BUILT = join(ROOT, 'lib', '.built');

checkNode();
if (!packagesMatch()) step('Installing packages (npm ci)', 'npm', ['ci', '--no-audit', '--no-fund']);
if (sourcesChanged()) {
  const started = new Date();
  step('Building (tsc)', process.execPath, [
    join('node_modules', 'typescript', 'bin', 'tsc'),
    '-p',
    'tsconfig.build.json',
  ]);
  writeFileSync(BUILT, `${started.toISOString()}\n`);
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return;
  giveUp(`Node.js ${OLDEST_NODE.join('.')} or newer is needed; this is ${process.versions.node}. Install a newer one.`);
}

/** npm notes what it installed in a lock file of its own. */
function packagesMatch() {
  const installed = readPackages(join(ROOT, 'node_modules', '.package-lock.json'));
  if (installed === null) return false;
  const wanted = Object.entries(readPackages(join(ROOT, 'package-lock.json')) ?? {}).filter(([path]) => path !== '');
  const same = (path, { version, integrity }) =>
    installed[path]?.version === version && installed[path]?.integrity === integrity;
  const fits = ([path, entry]) => same(path, entry) || (entry.optional === true && installed[path] === undefined);
  return wanted.every(fits) && Object.keys(installed).every((path) => wanted.some(([known]) => known === path));
}

function readPackages(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).packages : null;
}

/** True when a source is newer than the beginning of the last build that succeeded. */
function sourcesChanged() {
  if (!existsSync(BUILT)) return true;
  const built = Date.parse(readFileSync(BUILT, 'utf8').trim());
  const { include } = JSON.parse(readFileSync(join(ROOT, 'tsconfig.json'), 'utf8'));
  const settings = ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json'].map((name) => join(ROOT, name));
  const sources = include.filter((name) => name !== 'test').flatMap((name) => below(join(ROOT, name)));
  return [...settings, ...sources].some((file) => statSync(file).mtimeMs >= built);
}

/** TypeScript files and all folders, whose time tells of files that came or went. */
function below(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return [path, ...below(path)];
    return entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts') ? [path] : [];
  });
}

function step(title, program, args) {
  process.stdout.write(`${title} …\n`);
  const { status, error } = spawnSync(program, args, { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0)
    giveUp(`${title} failed${error ? `: ${error.message}` : ''}. Mend what is said above and try again.`);
}

function giveUp(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
