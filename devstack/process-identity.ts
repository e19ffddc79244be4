import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** A process id and its start, so that a later process with the same id is not mistaken for it. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since the machine's start, as Linux counts them; empty elsewhere. */
  readonly started: string;
}

const STATE = 0;
const STARTED = 19;
const ENDED = new Set(['Z', 'X']);

export async function identify(pid: number): Promise<ProcessIdentity> {
  return { pid, started: (await statFields(pid))[STARTED] ?? '' };
}

/** Fields of `/proc/PID/stat` behind the program's name; none where there is no such file. */
async function statFields(pid: number): Promise<string[]> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat === '' ? [] : stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  try {
    process.kill(identity.pid, 0);
  } catch {
    return false;
  }
  const fields = await statFields(identity.pid);
  // A killed process is listed until its parent has heard of its end.
  return (fields[STARTED] ?? '') === identity.started && !ENDED.has(fields[STATE] ?? '');
}

/** Asks a process to end, and after `patienceMs` makes it. */
export async function endProcess(identity: ProcessIdentity, patienceMs: number): Promise<void> {
  if (!(await isAlive(identity))) return;
  process.kill(identity.pid, 'SIGTERM');
  const end = Date.now() + patienceMs;
  while (await isAlive(identity)) {
    if (Date.now() > end) process.kill(identity.pid, 'SIGKILL');
    await delay(100);
  }
}
