import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { endProcess, isAlive } from '../devstack/process-identity';
import type { ProcessIdentity } from '../devstack/process-identity';
import { startDetached } from './detached-process';
import type { Places } from './places';

const IdentitySchema = z.object({ pid: z.int().positive(), started: z.string() });
/** A container step that ends with its worker takes this long at most to let go. */
const STOP_MS = 30_000;

/** The worker that serves the dev stack on this machine, or null when none runs. */
export async function readDevWorker(places: Places): Promise<ProcessIdentity | null> {
  const text = await readFile(recordFile(places), 'utf8').catch(() => null);
  if (text === null) return null;
  const identity = IdentitySchema.parse(JSON.parse(text));
  return (await isAlive(identity)) ? identity : null;
}

export async function startDevWorker(places: Places): Promise<ProcessIdentity> {
  const identity = await startDetached(['worker', 'start'], join(places.state, 'worker.log'), () => undefined);
  await writeFile(recordFile(places), JSON.stringify(identity));
  return identity;
}

/** False when none ran. */
export async function stopDevWorker(places: Places): Promise<boolean> {
  const identity = await readDevWorker(places);
  if (identity !== null) await endProcess(identity, STOP_MS);
  await rm(recordFile(places), { force: true });
  return identity !== null;
}

function recordFile({ state }: Places): string {
  return join(state, 'worker.json');
}
