import { randomUUID } from 'node:crypto';
import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { MedperfError } from '../contract';

const TURN = /^\.turn-[0-9a-f-]+$/;
/** A turn takes milliseconds: one as old as this was left by a process that is gone. */
const ABANDONED_MS = 10_000;
const GIVEN_UP_MS = 30_000;
const LONGEST_PAUSE_MS = 30;

/**
 * Does `work` while no other process does such work in the directory. Everybody announces himself in a file of his own
 * and then looks for others: of two at once both step back, and try again after pauses of different length.
 * @throws MedperfError `NeedsAttention` when others take turns for half a minute.
 */
export async function inTurn<T>(directory: string, work: () => Promise<T>): Promise<T> {
  const mine = `.turn-${randomUUID()}`;
  const leave = (): Promise<void> => rm(join(directory, mine), { force: true });
  const until = Date.now() + GIVEN_UP_MS;
  while (Date.now() < until) {
    if (!(await othersIn(directory, mine))) {
      try {
        await writeFile(join(directory, mine), '');
        if (!(await othersIn(directory, mine))) return await work();
      } finally {
        await leave();
      }
    }
    await setTimeout(1 + Math.random() * LONGEST_PAUSE_MS);
  }
  throw new MedperfError('NeedsAttention', {
    what: "temporal-medperf's configuration directory is being written by other processes all the time.",
    next: 'See which other temporal-medperf processes sign in or out; then try again.',
  });
}

/** Whether somebody else has announced himself; what was abandoned is cleared away. */
async function othersIn(directory: string, mine: string): Promise<boolean> {
  for (const name of await readdir(directory)) {
    if (!TURN.test(name) || name === mine) continue;
    if (!(await isAbandoned(join(directory, name)))) return true;
    await rm(join(directory, name), { force: true });
  }
  return false;
}

async function isAbandoned(file: string): Promise<boolean> {
  const found = await stat(file).catch(() => null);
  return found === null || Date.now() - found.mtimeMs > ABANDONED_MS;
}
