import { execFile } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MedperfError } from '../../contract';
import { PACKAGE_ROOT } from '../package-root';
import { buildWithGo, getOnce, goVersion } from './cached-program';
import type { Log } from './cached-program';
import { isExecutable, onPath } from './found-programs';

export type { Log } from './cached-program';

const run = promisify(execFile);
const GO_MODULE = 'github.com/temporalio/cli/cmd/temporal@v1.5.1';
const OLDEST_GO = 21;
const PROGRAM = { name: 'temporal', file: 'temporal', title: "Temporal's development server" };

/**
 * Path of Temporal's command, which holds the development server: the one that `TEMPORAL_MEDPERF_TEMPORAL_CLI` names, one
 * on the PATH, one from our cache, or a new one in our cache: by the SDK's own download, else built by Go.
 * @throws MedperfError `NeedsAttention` when there is none and none can be got.
 */
export async function findOrGetTemporal(log: Log): Promise<string> {
  const named = process.env['TEMPORAL_MEDPERF_TEMPORAL_CLI'];
  if (named !== undefined && named !== '') return checkNamed(named);
  const found = await onPath(PROGRAM.file);
  if (found !== null) return found;
  try {
    return await getOnce(PROGRAM, log, (folder) => get(folder, log));
  } catch (error) {
    throw error instanceof MedperfError ? error : nowhere(error instanceof Error ? error.message : String(error));
  }
}

async function checkNamed(path: string): Promise<string> {
  if (await isExecutable(path)) return path;
  throw new MedperfError('NeedsAttention', {
    what: 'TEMPORAL_MEDPERF_TEMPORAL_CLI does not name a program.',
    found: path,
    next: "Set it to the path of Temporal's command, or unset it.",
  });
}

async function get(folder: string, log: Log): Promise<void> {
  if (await download(folder, log)) return;
  const version = await goVersion();
  if (version < OLDEST_GO) throw nowhere(version === 0 ? 'no Go' : `Go 1.${version}`);
  await buildWithGo(GO_MODULE, folder, { title: PROGRAM.title, minutes: 'four' }, log);
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

function nowhere(found: string): MedperfError {
  return new MedperfError('NeedsAttention', {
    what: "Temporal's development server is not on this machine and could not be got.",
    expected: `temporal on the PATH, the SDK's download within reach, or Go 1.${OLDEST_GO} or newer`,
    found,
    next: "Install Temporal's command or Go, or set TEMPORAL_MEDPERF_TEMPORAL_CLI to the command's path; then try again.",
  });
}
