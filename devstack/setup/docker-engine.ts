import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import Docker from 'dockerode';
import envPaths from 'env-paths';
import { MedperfError } from '../../contract';
import { onPath } from './found-programs';
import type { Log } from './temporal-program';

export interface FoundDocker {
  /** Null when `DOCKER_HOST` names another kind of address, which every client of Docker reads itself. */
  readonly socketPath: string | null;
  /** Process id of the `dockerd` that this call started, or null when one was running. */
  readonly startedByUs: number | null;
}

const run = promisify(execFile);
const DEFAULT_SOCKET = '/var/run/docker.sock';
const PID_FILE = '/var/run/docker.pid';
const START_MS = 60_000;

/**
 * A Docker engine that answers: the running one, or on Debian as root a new one (`apt-get install docker.io`, `dockerd`).
 * @throws MedperfError `EngineUnavailable` saying what to do when there is none and none can be got.
 */
export async function findOrGetDocker(log: Log): Promise<FoundDocker> {
  const named = process.env['DOCKER_HOST'];
  const socketPath = named === undefined || named === '' ? DEFAULT_SOCKET : socketOf(named);
  if (await pings()) return { socketPath, startedByUs: null };
  if (socketPath !== DEFAULT_SOCKET) throw none(`no answer at DOCKER_HOST=${named ?? ''}`);
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    throw none('no answer, and this user may not start one');
  if ((await onPath('dockerd')) === null) await installWithApt(log);
  return { socketPath, startedByUs: await startDaemon(log) };
}

function socketOf(address: string): string | null {
  return address.startsWith('unix://') ? address.slice('unix://'.length) : null;
}

async function pings(): Promise<boolean> {
  return new Docker({ timeout: 10_000 }).ping().then(
    () => true,
    () => false,
  );
}

async function installWithApt(log: Log): Promise<void> {
  if ((await onPath('apt-get')) === null) throw none('no Docker, and no apt-get to install it');
  log('Installing a Docker engine (apt-get install docker.io iptables): about a minute, once …');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  try {
    await run('apt-get', ['update'], { env, maxBuffer: 2 ** 26 });
    await run('apt-get', ['install', '-y', '--no-install-recommends', 'docker.io', 'iptables'], {
      env,
      maxBuffer: 2 ** 26,
    });
  } catch (error) {
    throw none(error instanceof Error ? error.message.trim().split('\n').slice(-3).join(' ') : String(error));
  }
}

/** Process id, or null when another process was quicker to start one. */
async function startDaemon(log: Log): Promise<number | null> {
  if (await pings()) return null;
  await forgetDeadDaemon();
  const folder = envPaths('temporal-medperf', { suffix: '' }).log;
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'dockerd.log');
  log(`Starting dockerd; its log is ${file} …`);
  const output = await open(file, 'a');
  const daemon = spawn('dockerd', [], { detached: true, stdio: ['ignore', output.fd, output.fd] });
  await once(daemon, 'spawn');
  await output.close();
  daemon.unref();
  const end = Date.now() + START_MS;
  while (!(await pings())) {
    if (Date.now() > end) throw none(`dockerd did not answer; its log is ${file}`);
    await delay(200);
  }
  log('… Docker answers.');
  return daemon.exitCode === null && daemon.signalCode === null ? (daemon.pid ?? null) : null;
}

/** A killed daemon leaves its pid file, and the next one does not start while any process has that id. */
async function forgetDeadDaemon(): Promise<void> {
  const pid = (await readFile(PID_FILE, 'utf8').catch(() => '')).trim();
  if (pid === '') return;
  const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
  if (name.trim() !== 'dockerd') await rm(PID_FILE, { force: true });
}

function none(found: string): MedperfError {
  return new MedperfError('EngineUnavailable', {
    what: 'No Docker engine answers on this machine.',
    found,
    next: 'Start Docker (or set DOCKER_HOST) and see that `docker info` works for this user; then try again.',
  });
}
