import { randomUUID } from 'node:crypto';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { identify, isAlive } from './process-identity';

const LOCK = /^owner-(\d+)-(\w*)-[0-9a-f-]+\.lock$/;

/**
 * Makes this process the directory's only owner and answers how to give it back. Everybody announces himself under a name
 * of his own first and looks for others then: there are never two owners, and of two at once both may be refused.
 * Announcements of processes that are gone are cleared away.
 * @param what what the directory is, for the error: such as `The registry's data directory`.
 * @throws Error naming the process that owns the directory.
 */
export async function lockDirectory(directory: string, what: string): Promise<() => Promise<void>> {
  const { pid, started } = await identify(process.pid);
  const mine = `owner-${pid}-${started}-${randomUUID()}.lock`;
  const unlock = (): Promise<void> => rm(join(directory, mine), { force: true });
  await writeFile(join(directory, mine), '');
  try {
    for (const name of await readdir(directory)) {
      const [, otherPid, otherStarted = ''] = LOCK.exec(name) ?? [];
      if (otherPid === undefined || name === mine) continue;
      if (await isAlive({ pid: Number(otherPid), started: otherStarted })) {
        throw new Error(`${what} is in use by process ${otherPid}.`);
      }
      await rm(join(directory, name), { force: true });
    }
  } catch (error) {
    await unlock();
    throw error;
  }
  return unlock;
}
