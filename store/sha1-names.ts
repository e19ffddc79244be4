import { createHash } from 'node:crypto';
import { isDigest } from '../contract';
import type { Digest } from '../contract';
import { HINTS } from './store';
import type { Store } from './store';

const SHA1 = /^[0-9a-f]{40}$/;

/** Bare hex SHA-1, as MedPerf's servers of the tutorial's time record it. */
export function isSha1(hash: string): boolean {
  return SHA1.test(hash);
}

/** The blob's SHA-1; computed once, and remembered in both directions. */
export async function sha1Of(store: Store, blob: Digest): Promise<string> {
  const known = await store.readRecord(`${HINTS}sha1-of/${blob}`);
  if (typeof known === 'string' && isSha1(known)) return known;
  const hash = createHash('sha1');
  for await (const chunk of await store.openRead(blob)) hash.update(chunk as Uint8Array);
  const sha1 = hash.digest('hex');
  await store.writeRecord(`${HINTS}sha1/${sha1}`, blob);
  await store.writeRecord(`${HINTS}sha1-of/${blob}`, sha1);
  return sha1;
}

/** The content that had this SHA-1 when it was last computed; whether the store has it still is another question. */
export async function knownBySha1(store: Store, sha1: string): Promise<Digest | null> {
  const known = await store.readRecord(`${HINTS}sha1/${sha1}`);
  return isDigest(known) ? known : null;
}
