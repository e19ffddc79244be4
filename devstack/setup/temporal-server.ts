import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { MedperfError, SEARCH_ATTRIBUTES } from '../../contract';
import type { Log } from './temporal-program';

export { findOrGetTemporal } from './temporal-program';
export type { Log } from './temporal-program';

export interface TemporalOptions {
  /** Temporal's command, as `findOrGetTemporal` gives it. */
  readonly path: string;
  /** Keeps the database and the log, so that a restart loses nothing. */
  readonly directory: string;
  /** Absent: a free one. */
  readonly port?: number;
  readonly uiPort?: number;
  readonly log: Log;
}

export interface RunningTemporal {
  /** `127.0.0.1:PORT`. */
  readonly address: string;
  readonly uiUrl: string;
  readonly pid: number;
  /** Settles when the server has ended, for whatever reason. */
  readonly ended: Promise<void>;
  close(): Promise<void>;
}

const START_MS = 60_000;
const STOP_MS = 10_000;
const LOG_FILE = 'temporal.log';
/** The server's defaults poll 20 times a second and let SQLite sync at every commit: four times slower (docs/architecture.md). */
export const DYNAMIC_CONFIG = ['transfer', 'timer', 'visibility'].map(
  (queue) => `history.${queue}ProcessorMaxPollRPS=2000`,
);
const PRAGMAS = ['journal_mode=wal', 'synchronous=normal'];

/**
 * Starts Temporal's development server on the loopback address and waits until it answers.
 * @throws MedperfError `NeedsAttention` with the log's place when it does not come up.
 */
export async function startTemporal(options: TemporalOptions): Promise<RunningTemporal> {
  const port = options.port ?? (await freePort());
  const uiPort = options.uiPort ?? (await freePort());
  const address = `127.0.0.1:${port}`;
  const child = await spawnServer(options, port, uiPort);
  const ended = endOf(child) === null ? once(child, 'exit').then(() => undefined) : Promise.resolve();
  try {
    await answers(address, child);
  } catch (error) {
    await stop(child, ended);
    throw error;
  }
  options.log(`Temporal answers at ${address}.`);
  return {
    address,
    uiUrl: `http://127.0.0.1:${uiPort}`,
    pid: child.pid ?? 0,
    ended,
    close: () => stop(child, ended),
  };
}

/** In a process group of its own: an interrupt at the terminal is for the supervisor, who stops it in order. */
async function spawnServer({ path, directory }: TemporalOptions, port: number, uiPort: number): Promise<ChildProcess> {
  const log = await open(join(directory, LOG_FILE), 'a');
  try {
    const child = spawn(path, serverArguments(directory, port, uiPort), {
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    });
    await once(child, 'spawn');
    return child;
  } catch (cause) {
    throw notUp("Temporal's command cannot be run", cause);
  } finally {
    await log.close();
  }
}

function serverArguments(directory: string, port: number, uiPort: number): string[] {
  return [
    ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--ui-port', String(uiPort)],
    ...['--db-filename', join(directory, 'temporal.db'), '--log-level', 'warn'],
    ...DYNAMIC_CONFIG.flatMap((setting) => ['--dynamic-config-value', setting]),
    ...PRAGMAS.flatMap((pragma) => ['--sqlite-pragma', pragma]),
    ...Object.values(SEARCH_ATTRIBUTES).flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
  ];
}

async function answers(address: string, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + START_MS;
  for (;;) {
    const end = endOf(child);
    if (end !== null) throw notUp(`it ended with ${typeof end === 'number' ? `exit code ${end}` : end}`);
    try {
      await askNamespace(address);
      return;
    } catch (cause) {
      if (Date.now() > deadline) throw notUp(`no answer after ${START_MS / 1000} s`, cause);
      await delay(100);
    }
  }
}

/** Exit code or signal, or null while it runs. */
function endOf({ exitCode, signalCode }: ChildProcess): number | NodeJS.Signals | null {
  return exitCode ?? signalCode;
}

async function askNamespace(address: string): Promise<void> {
  const connection = await Connection.connect({ address, connectTimeout: '2s' });
  try {
    await connection.workflowService.describeNamespace({ namespace: 'default' });
  } finally {
    await connection.close();
  }
}

async function stop(child: ChildProcess, ended: Promise<void>): Promise<void> {
  if (endOf(child) !== null) return;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await ended;
  clearTimeout(timer);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function notUp(found: string, cause?: unknown): MedperfError {
  return new MedperfError(
    'NeedsAttention',
    {
      what: "Temporal's development server does not come up.",
      found,
      next: `Look into ${LOG_FILE} in the dev stack's state folder; if its port is taken, stop the other program.`,
    },
    { cause },
  );
}
