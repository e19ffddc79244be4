import { randomUUID } from 'node:crypto';
import { readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const LOCK = /^owner-(\d+)-(\w+)-[0-9a-f-]+\.lock$/;

/**
 * Makes this process the directory's only owner and answers how to give it back. Everybody announces himself under a name
 * of his own first and looks for others then: there are never two owners, and of two at once both may be refused.
 * Announcements of processes that are gone are cleared away.
 * @throws Error naming the process that owns the directory.
 */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  const mine = `owner-${process.pid}-${await startOf(process.pid)}-${randomUUID()}.lock`;
  const unlock = (): Promise<void> => rm(join(directory, mine), { force: true });
  await writeFile(join(directory, mine), '');
  try {
    for (const name of await readdir(directory)) {
      const [, pid, start] = LOCK.exec(name) ?? [];
      if (pid === undefined || name === mine) continue;
      if ((await startOf(Number(pid))) === start) {
        throw new Error(`The registry's data directory is in use by process ${pid}.`);
      }
      await rm(join(directory, name), { force: true });
    }
  } catch (error) {
    await unlock();
    throw error;
  }
  return unlock;
}

/** When a process started, so that a later one with the same id is not mistaken for it; `gone` for one that is not there. */
async function startOf(pid: number): Promise<string> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return 'gone';
  }
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? 'unknown';
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return 'unknown';
    throw error;
  }
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
