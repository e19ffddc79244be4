import { spawn } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { nameImageArchive, writeTutorialWorkspace } from '../devstack/tutorial-workspace';

/**
 * `npm run demo`: the tutorial, step by step, with the real commands, in a state folder of its own that is emptied first
 * as the tutorial resets its database. `-- --keep` leaves everything running to look around, `-- --dialect e25` or `head` takes a
 * server of that generation.
 */
const COMMAND = join(__dirname, '..', '..', 'bin', 'temporal-medperf.js');
const HOME = join(process.env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state'), 'temporal-medperf-demo');
const WORKSPACE = join(HOME, 'medperf_tutorial');
const COMMITTEE = ['--profile', 'committee'];

type SignIn = (user: 'owner' | 'committee') => { readonly args: readonly string[]; readonly input: string };

/** How the tutorial goes with a generation of MedPerf's server. */
interface Demo {
  readonly dialect: 'e23' | 'e25' | 'head';
  /** Command group of what is associated. */
  readonly models: 'mlcube' | 'model';
  /** The registry's uid of the tutorial user's own model (reference: medperf.md, 11). */
  readonly model: string;
  readonly signIn: SignIn;
  /** Makes the tutorial's model one that the server takes. */
  readonly fit: (directory: string) => Promise<void>;
  /** Options that submit the model that was packaged and hosted. */
  readonly submission: (directory: string) => Promise<readonly string[]>;
}

const WITH_TOKENS: SignIn = (user) => ({
  args: ['--local', user === 'owner' ? 'testmo@example.com' : 'testbo@example.com'],
  input: '',
});
const OF_MLCUBES = { models: 'mlcube', fit: () => Promise.resolve(), submission: mlcubeSubmission } as const;

const DEMOS: readonly Demo[] = [
  {
    ...OF_MLCUBES,
    dialect: 'e23',
    model: '4',
    signIn: (user) => ({
      args: ['--username', user === 'owner' ? 'testmodelowner' : 'testbenchmarkowner'],
      input: 'test\n',
    }),
  },
  { ...OF_MLCUBES, dialect: 'e25', model: '5', signIn: WITH_TOKENS },
  {
    dialect: 'head',
    models: 'model',
    model: '2',
    signIn: WITH_TOKENS,
    fit: useImageArchive,
    submission: containerSubmission,
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

async function tutorial({ dialect, models, model: uid, signIn, fit, submission }: Demo): Promise<void> {
  say('## Before we start: the server, its seed and the files');
  await run('start the development stack', ['dev', 'start', '--dialect', dialect]);
  const model = await writeTutorialWorkspace(WORKSPACE);
  say(`wrote the tutorial's model to medperf_tutorial/`);
  const owner = signIn('owner');
  await run('log in', ['login', ...owner.args], owner.input);

  await fit(model.directory);

  say('\n## 1. Test your MLCube compatibility');
  await run('list benchmarks', ['benchmark', 'ls']);
  await run('compatibility test', ['test', 'run', '--benchmark', '1', '--model', model.directory]);

  say('\n## 2. Submit the MLCube');
  await run('package', ['mlcube', 'package', model.directory]);
  await run('host', ['mlcube', 'host', model.directory]);
  const files = await submission(model.directory);
  await run('submit', ['mlcube', 'submit', '--name', 'my-modelref-cube', ...files]);
  await run('list my models', [models, 'ls', '--mine']);

  say('\n## 3. Request participation');
  await run('associate', [models, 'associate', '--benchmark', '1', '--model_uid', uid, '-y']);
  await run('list associations', ['association', 'ls']);

  say("\n## The committee's side: the benchmark owner approves");
  const committee = signIn('committee');
  await run('log in as the benchmark owner', ['login', ...COMMITTEE, ...committee.args], committee.input);
  await run('approve', ['association', 'approve', ...COMMITTEE, '--benchmark', '1', '--model_uid', uid]);
  await run('see the decision arrive', [models, 'associate', '--benchmark', '1', '--model_uid', uid, '-y', '--wait']);
  await run('list associations', ['association', 'ls']);
}

interface Urls {
  readonly manifestUrl: string;
  readonly parametersUrl: string;
  readonly additionalFilesUrl: string;
}

async function mlcubeSubmission(directory: string): Promise<readonly string[]> {
  const { urls } = (await ask(['mlcube', 'host', directory])) as { urls: Urls };
  return [
    ...['--mlcube-file', urls.manifestUrl, '--parameters-file', urls.parametersUrl],
    ...['--additional-file', urls.additionalFilesUrl],
  ];
}

/** Today's server keeps configuration and parameters itself. */
async function containerSubmission(directory: string): Promise<readonly string[]> {
  const { additionalFiles } = (await ask(['mlcube', 'host', directory])) as { additionalFiles: { url: string } };
  const deploy = join(directory, 'deploy');
  return [
    ...['--container-config', join(deploy, 'container_config.yaml')],
    ...['--parameters-file', join(deploy, 'parameters.yaml'), '--additional-file', additionalFiles.url],
  ];
}

/** No image registry is here: the model's image is the archive that the benchmark's owner hosts for the reference model. */
async function useImageArchive(directory: string): Promise<void> {
  const { cube } = (await ask(['model', 'view', '1'])) as { cube: { content: { config: { image: string } } } };
  await nameImageArchive({ directory }, cube.content.config.image);
  say(`its container_config.yaml names the image's archive, ${cube.content.config.image}`);
}

interface Tested {
  readonly candidate: { readonly model: string; readonly headline: Record<string, number> };
  readonly reference: { readonly model: string; readonly headline: Record<string, number> } | null;
}

async function summary({ models, model }: Demo): Promise<void> {
  const mine = (await ask([models, 'ls', '--mine'])) as { uid: number; name: string }[];
  const associations = (await ask(['association', 'ls'])) as { modelUid: number; benchmark: number; status: string }[];
  // The registered model holds the bytes that were tested, so this reuses every result.
  const { candidate, reference } = (await ask(['test', 'run', '--benchmark', '1', '--model', model])) as Tested;
  say('\n## Summary');
  for (const { uid, name } of mine) say(`model ${uid}: ${name}`);
  for (const { modelUid, benchmark, status } of associations)
    say(`model ${modelUid} with benchmark ${benchmark}: ${status}`);
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
  throw new Error(`--dialect takes ${DEMOS.map(({ dialect }) => dialect).join(', ')}, not ${asked ?? 'nothing'}.`);
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
