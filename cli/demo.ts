import { spawn } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { writeTutorialWorkspace } from '../devstack/tutorial-workspace';

/**
 * `npm run demo`: the tutorial, step by step, with the real commands, in a state folder of its own that is emptied first
 * as the tutorial resets its database. `-- --keep` leaves everything running to look around, `-- --dialect e25` takes a server
 * of that generation.
 */
const COMMAND = join(__dirname, '..', '..', 'bin', 'temporal-medperf.js');
const HOME = join(process.env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state'), 'temporal-medperf-demo');
const WORKSPACE = join(HOME, 'medperf_tutorial');
const COMMITTEE = ['--profile', 'committee'];

/** How the tutorial goes with a generation of MedPerf's server. */
interface Demo {
  readonly dialect: 'e23' | 'e25';
  /** The registry's uid of the tutorial user's own model (reference: medperf.md, 11). */
  readonly model: string;
  readonly signIn: (user: 'owner' | 'committee') => { readonly args: readonly string[]; readonly input: string };
}

const DEMOS: readonly Demo[] = [
  {
    dialect: 'e23',
    model: '4',
    signIn: (user) => ({
      args: ['--username', user === 'owner' ? 'testmodelowner' : 'testbenchmarkowner'],
      input: 'test\n',
    }),
  },
  {
    dialect: 'e25',
    model: '5',
    signIn: (user) => ({
      args: ['--local', user === 'owner' ? 'testmo@example.com' : 'testbo@example.com'],
      input: '',
    }),
  },
];

interface Ran {
  readonly stdout: string;
  readonly seconds: number;
}

interface Timing {
  readonly step: string;
  readonly seconds: number;
}

const timings: Timing[] = [];

/** Runs one command of ours, shows it and its output, and fails the demo when it fails. */
async function run(step: string, args: readonly string[], input?: string): Promise<Ran> {
  say(`\n$ temporal-medperf ${args.join(' ')}`);
  const ran = await spawned(args, input, (text) => process.stdout.write(text));
  timings.push({ step, seconds: ran.seconds });
  return ran;
}

/** The machine-readable form of a command, for what the demo itself has to know. */
async function ask(args: readonly string[]): Promise<unknown> {
  const { stdout } = await spawned([...args, '--json'], undefined, () => undefined);
  return JSON.parse(stdout);
}

function spawned(args: readonly string[], input: string | undefined, show: (text: string) => void): Promise<Ran> {
  const started = Date.now();
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [COMMAND, ...args], {
      cwd: HOME,
      env: { ...process.env, TEMPORAL_MEDPERF_HOME: HOME },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      show(text);
    });
    child.stdin.end(input ?? '');
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve({ stdout, seconds: (Date.now() - started) / 1000 });
      else reject(new Error(`temporal-medperf ${args.join(' ')} ended with exit code ${code ?? 'none'}`));
    });
  });
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function tutorial({ dialect, model: uid, signIn }: Demo): Promise<void> {
  say('## Before we start: the server, its seed and the files');
  await run('start the development stack', ['dev', 'start', '--dialect', dialect]);
  const model = await writeTutorialWorkspace(WORKSPACE);
  say(`wrote the tutorial's model to medperf_tutorial/`);
  const owner = signIn('owner');
  await run('log in', ['login', ...owner.args], owner.input);

  say('\n## 1. Test your MLCube compatibility');
  await run('list benchmarks', ['benchmark', 'ls']);
  await run('compatibility test', ['test', 'run', '--benchmark', '1', '--model', join(model.directory, 'mlcube.yaml')]);

  say('\n## 2. Submit the MLCube');
  await run('package', ['mlcube', 'package', model.directory]);
  await run('host', ['mlcube', 'host', model.directory]);
  const hosted = await hostedUrls(model.directory);
  await run('submit', [
    ...['mlcube', 'submit', '--name', 'my-modelref-cube', '--mlcube-file', hosted.manifestUrl],
    ...['--parameters-file', hosted.parametersUrl, '--additional-file', hosted.additionalFilesUrl],
  ]);
  await run('list my cubes', ['mlcube', 'ls', '--mine']);

  say('\n## 3. Request participation');
  await run('associate', ['mlcube', 'associate', '--benchmark', '1', '--model_uid', uid, '-y']);
  await run('list associations', ['association', 'ls']);

  say("\n## The committee's side: the benchmark owner approves");
  const committee = signIn('committee');
  await run('log in as the benchmark owner', ['login', ...COMMITTEE, ...committee.args], committee.input);
  await run('approve', ['association', 'approve', ...COMMITTEE, '--benchmark', '1', '--model_uid', uid]);
  await run('see the decision arrive', ['mlcube', 'associate', '--benchmark', '1', '--model_uid', uid, '-y', '--wait']);
  await run('list associations', ['association', 'ls']);
}

interface Urls {
  readonly manifestUrl: string;
  readonly parametersUrl: string;
  readonly additionalFilesUrl: string;
}

async function hostedUrls(directory: string): Promise<Urls> {
  const { urls } = (await ask(['mlcube', 'host', directory])) as { urls: Urls };
  return urls;
}

interface Tested {
  readonly candidate: { readonly model: string; readonly headline: Record<string, number> };
  readonly reference: { readonly model: string; readonly headline: Record<string, number> } | null;
}

async function summary({ model }: Demo): Promise<void> {
  const cubes = (await ask(['mlcube', 'ls', '--mine'])) as { uid: number; name: string }[];
  const associations = (await ask(['association', 'ls'])) as { modelUid: number; benchmark: number; status: string }[];
  // The registered cube holds the bytes that were tested, so this reuses every result.
  const { candidate, reference } = (await ask(['test', 'run', '--benchmark', '1', '--model', model])) as Tested;
  say('\n## Summary');
  for (const { uid, name } of cubes) say(`cube ${uid}: ${name}`);
  for (const { modelUid, benchmark, status } of associations)
    say(`cube ${modelUid} with benchmark ${benchmark}: ${status}`);
  say(`\n${'metric'.padEnd(20)}${candidate.model.padEnd(20)}${reference?.model ?? ''} (reference)`);
  for (const [metric, value] of Object.entries(candidate.headline)) {
    say(metric.padEnd(20) + value.toFixed(4).padEnd(20) + (reference?.headline[metric]?.toFixed(4) ?? ''));
  }
  say('\nWhere the time went:');
  for (const { step, seconds } of timings) say(`  ${seconds.toFixed(1).padStart(6)} s  ${step}`);
}

async function main(): Promise<void> {
  const demo = demoOf(process.argv);
  const keep = process.argv.includes('--keep');
  await spawnedQuietly(['dev', 'stop']);
  await rm(HOME, { recursive: true, force: true });
  await mkdir(HOME, { recursive: true });
  try {
    await tutorial(demo);
    await summary(demo);
    if (keep) await run('status', ['dev', 'status']);
  } finally {
    if (!keep) await spawnedQuietly(['dev', 'stop']);
  }
  if (keep) say(`\nEverything is left running. Stop it: TEMPORAL_MEDPERF_HOME=${HOME} npx temporal-medperf dev stop`);
  say('\nThe demo is done.');
}

/** @throws Error for a dialect that there is no demo of. */
function demoOf(args: readonly string[]): Demo {
  const at = args.indexOf('--dialect');
  const asked = at < 0 ? 'e23' : args[at + 1]?.toLowerCase();
  const demo = DEMOS.find(({ dialect }) => dialect === asked);
  if (demo !== undefined) return demo;
  throw new Error(`--dialect takes ${DEMOS.map(({ dialect }) => dialect).join(' or ')}, not ${asked ?? 'nothing'}.`);
}

/** A stack that does not run is no reason to fail. */
async function spawnedQuietly(args: readonly string[]): Promise<void> {
  await mkdir(HOME, { recursive: true });
  await spawned(args, undefined, () => undefined).catch(() => undefined);
}

main().catch((error: unknown) => {
  process.stderr.write(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
