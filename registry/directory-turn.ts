import { randomUUID } from 'node:crypto';
import { readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { MedperfError } from '../contract';

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Whoever has a turn shows so often that he is there. */
const SHOWN_MS = 2_000;
/** A turn that nobody has shown for so long was left by a process that is gone. */
const ABANDONED_MS = 10_000;
const GIVEN_UP_MS = 60_000;
const LONGEST_PAUSE_MS = 30;

/**
 * Does `work` while no other process does such work in the directory. Everybody announces himself in a file of his own
 * and then looks for others: of two at once both step back, and try again after pauses of different length.
 * @param line turns in one line exclude each other, those in different lines do not.
 * @throws MedperfError `NeedsAttention` when others take turns for a minute.
 */
export async function inTurn<T>(directory: string, work: () => Promise<T>, line = ''): Promise<T> {
  const prefix = line === '' ? '.turn-' : `.turn-${line}-`;
  const mine = `${prefix}${randomUUID()}`;
  const file = join(directory, mine);
  const until = Date.now() + GIVEN_UP_MS;
  while (Date.now() < until) {
    if (!(await othersIn(directory, prefix, mine))) {
      try {
        await writeFile(file, '');
        if (!(await othersIn(directory, prefix, mine))) return await shown(file, work);
      } finally {
        await rm(file, { force: true });
      }
    }
    await setTimeout(1 + Math.random() * LONGEST_PAUSE_MS);
  }
  throw new MedperfError('NeedsAttention', {
    what: "temporal-medperf's configuration directory is being written by other processes all the time.",
    next: 'See which other temporal-medperf processes sign in or out; then try again.',
  });
}

async function shown<T>(file: string, work: () => Promise<T>): Promise<T> {
  const showing = setInterval(() => {
    const now = new Date();
    utimes(file, now, now).catch(() => undefined);
  }, SHOWN_MS);
  try {
    return await work();
  } finally {
    clearInterval(showing);
  }
}

/** Whether somebody else has announced himself; what was abandoned is cleared away. */
async function othersIn(directory: string, prefix: string, mine: string): Promise<boolean> {
  for (const name of await readdir(directory)) {
    if (name === mine || !name.startsWith(prefix) || !ID.test(name.slice(prefix.length))) continue;
    if (!(await isAbandoned(join(directory, name)))) return true;
    await rm(join(directory, name), { force: true });
  }
  return false;
}

async function isAbandoned(file: string): Promise<boolean> {
  const found = await stat(file).catch(() => null);
  return found === null || Date.now() - found.mtimeMs > ABANDONED_MS;
}
