import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import envPaths from 'env-paths';
import { MedperfError } from '../../contract';
import { PACKAGE_ROOT } from '../package-root';
import { lockDirectory } from '../directory-lock';
import { isExecutable, onPath } from './found-programs';

/** Says one line of what is being done. */
export type Log = (line: string) => void;

const run = promisify(execFile);
const GO_MODULE = 'github.com/temporalio/cli/cmd/temporal@v1.5.1';
const OLDEST_GO = 21;
const HEARTBEAT_MS = 30_000;

/**
 * Path of Temporal's command, which holds the development server: the one that `TEMPORAL_MEDPERF_TEMPORAL_CLI` names, one
 * on the PATH, one from our cache, or a new one in our cache: by the SDK's own download, else built by Go.
 * @throws MedperfError `NeedsAttention` when there is none and none can be got.
 */
export async function findOrGetTemporal(log: Log): Promise<string> {
  const named = process.env['TEMPORAL_MEDPERF_TEMPORAL_CLI'];
  if (named !== undefined && named !== '') return checkNamed(named);
  const cache = join(envPaths('temporal-medperf', { suffix: '' }).cache, 'temporal');
  const cached = join(cache, 'temporal');
  const found = (await onPath('temporal')) ?? ((await isExecutable(cached)) ? cached : null);
  return found ?? (await getOnce(cache, cached, log));
}

async function checkNamed(path: string): Promise<string> {
  if (await isExecutable(path)) return path;
  throw new MedperfError('NeedsAttention', {
    what: 'TEMPORAL_MEDPERF_TEMPORAL_CLI does not name a program.',
    found: path,
    next: "Set it to the path of Temporal's command, or unset it.",
  });
}

/** Several set-ups at once get it once: the others wait for the one that holds the cache's lock. */
async function getOnce(cache: string, cached: string, log: Log): Promise<string> {
  await mkdir(cache, { recursive: true });
  const unlock = await waitForLock(cache, log);
  try {
    if (!(await isExecutable(cached))) await get(cache, cached, log);
    return cached;
  } finally {
    await unlock();
  }
}

async function waitForLock(cache: string, log: Log): Promise<() => Promise<void>> {
  for (let told = false; ; told = true) {
    try {
      return await lockDirectory(cache, 'The cache');
    } catch (error) {
      if (typeof error === 'object' && error !== null && 'code' in error) throw error;
      if (!told) log("Another set-up is getting Temporal's development server; waiting for it.");
      await delay(1000);
    }
  }
}

async function get(cache: string, cached: string, log: Log): Promise<void> {
  const folder = await mkdtemp(join(cache, 'getting-'));
  try {
    if (!(await download(folder, log))) await buildWithGo(folder, log);
    const [program] = await readdir(folder);
    if (program === undefined) throw nowhere('nothing was installed');
    await rename(join(folder, program), cached);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The SDK downloads the server as a side of starting it, so a process of its own starts and stops one. */
async function download(folder: string, log: Log): Promise<boolean> {
  log("Getting Temporal's development server: the SDK's own download …");
  const script = join(PACKAGE_ROOT, 'devstack', 'setup', 'download-temporal.mjs');
  try {
    await run(process.execPath, [script, folder], { timeout: 300_000 });
    return true;
  } catch {
    log('… is not reachable from here.');
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder);
    return false;
  }
}

async function buildWithGo(folder: string, log: Log): Promise<void> {
  const version = await goVersion();
  if (version < OLDEST_GO) throw nowhere(version === 0 ? 'no Go' : `Go 1.${version}`);
  log(`Building Temporal's development server with Go (go install ${GO_MODULE}): about four minutes, once …`);
  const started = Date.now();
  const heartbeat = setInterval(() => {
    log(`… still building, ${Math.round((Date.now() - started) / 1000)} s`);
  }, HEARTBEAT_MS);
  try {
    await run('go', ['install', GO_MODULE], { env: { ...process.env, GOBIN: folder, CGO_ENABLED: '0' } });
    log('… built.');
  } catch (error) {
    throw nowhere(error instanceof Error ? error.message.trim().split('\n').slice(-3).join(' ') : String(error));
  } finally {
    clearInterval(heartbeat);
  }
}

/** Minor version of Go 1, or 0 when there is none. */
async function goVersion(): Promise<number> {
  const answer = await run('go', ['env', 'GOVERSION']).catch(() => null);
  return Number(/^go1\.(\d+)/.exec(answer?.stdout ?? '')?.[1] ?? 0);
}

function nowhere(found: string): MedperfError {
  return new MedperfError('NeedsAttention', {
    what: "Temporal's development server is not on this machine and could not be got.",
    expected: `temporal on the PATH, the SDK's download within reach, or Go 1.${OLDEST_GO} or newer`,
    found,
    next: "Install Temporal's command or Go, or set TEMPORAL_MEDPERF_TEMPORAL_CLI to the command's path; then try again.",
  });
}
