import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import envPaths from 'env-paths';
import { lockDirectory } from '../directory-lock';
import { isExecutable } from './found-programs';

/** Says one line of what is being done. */
export type Log = (line: string) => void;

const run = promisify(execFile);
const HEARTBEAT_MS = 30_000;

/** A program that is got once and kept in this user's cache. */
export interface CachedProgram {
  /** Folder in the cache. */
  readonly name: string;
  /** Name of its file there. */
  readonly file: string;
  /** What messages call it. */
  readonly title: string;
}

/** Where the program lies in the cache, whether or not it is there. */
export function cachedPath({ name, file }: CachedProgram): string {
  return join(envPaths('temporal-medperf', { suffix: '' }).cache, name, file);
}

/**
 * Path of the program in the cache. Where it is not there yet, `get` puts it into an empty folder as the only file.
 * Several set-ups at once get it once: the others wait for the one that holds the cache's lock.
 */
export async function getOnce(
  program: CachedProgram,
  log: Log,
  get: (folder: string) => Promise<void>,
): Promise<string> {
  const cached = cachedPath(program);
  if (await isExecutable(cached)) return cached;
  const cache = join(cached, '..');
  await mkdir(cache, { recursive: true });
  const unlock = await waitForLock(cache, program.title, log);
  try {
    if (await isExecutable(cached)) return cached;
    const folder = await mkdtemp(join(cache, 'getting-'));
    try {
      await get(folder);
      const [file] = await readdir(folder);
      if (file === undefined) throw new Error('nothing was installed');
      await rename(join(folder, file), cached);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    return cached;
  } finally {
    await unlock();
  }
}

async function waitForLock(cache: string, title: string, log: Log): Promise<() => Promise<void>> {
  for (let told = false; ; told = true) {
    try {
      return await lockDirectory(cache, 'The cache');
    } catch (error) {
      if (typeof error === 'object' && error !== null && 'code' in error) throw error;
      if (!told) log(`Another set-up is getting ${title}; waiting for it.`);
      await delay(1000);
    }
  }
}

/** `go install MODULE` into `folder`; `minutes` is how long it takes. @throws Error with Go's last words. */
export async function buildWithGo(
  goModule: string,
  folder: string,
  { title, minutes }: { readonly title: string; readonly minutes: string },
  log: Log,
): Promise<void> {
  log(`Building ${title} with Go (go install ${goModule}): about ${minutes} minutes, once …`);
  const started = Date.now();
  const heartbeat = setInterval(() => {
    log(`… still building, ${Math.round((Date.now() - started) / 1000)} s`);
  }, HEARTBEAT_MS);
  try {
    const env = { ...process.env, GOBIN: folder, CGO_ENABLED: '0' };
    await run('go', ['install', goModule], { env, maxBuffer: 2 ** 26 });
    log('… built.');
  } catch (error) {
    const words = error instanceof Error ? error.message.trim().split('\n').slice(-3).join(' ') : String(error);
    throw new Error(words, { cause: error });
  } finally {
    clearInterval(heartbeat);
  }
}

/** Minor version of Go 1, or 0 when there is none. */
export async function goVersion(): Promise<number> {
  const answer = await run('go', ['env', 'GOVERSION']).catch(() => null);
  return Number(/^go1\.(\d+)/.exec(answer?.stdout ?? '')?.[1] ?? 0);
}
