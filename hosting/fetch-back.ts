import { createHash } from 'node:crypto';
import { MedperfError, toMedperfHash } from '../contract';
import type { Digest } from '../contract';
import { requestFile, shownUrl } from '../store/file-request';

/** @throws MedperfError `HashMismatch` when the URL serves another file, `StoreUnavailable` when it serves none. */
export async function requireServed(url: string, name: string, digest: Digest, signal?: AbortSignal): Promise<void> {
  const served = await hashOfServed(url, name, signal);
  if (served === digest) return;
  throw new MedperfError('HashMismatch', {
    what: `${shownUrl(url)} serves another file than the one published.`,
    expected: toMedperfHash(digest),
    found: toMedperfHash(served),
    next: 'Check that the base URL shows the place that is published into, and that nothing rewrites its files.',
  });
}

/** Fetches a published file back the way everybody will. */
export async function hashOfServed(url: string, name: string, signal?: AbortSignal): Promise<Digest> {
  try {
    const answer = await requestFile(url, { signal });
    const hash = createHash('sha256');
    for await (const chunk of answer.body) hash.update(chunk);
    return `sha256:${hash.digest('hex')}`;
  } catch (error) {
    if (!(error instanceof MedperfError)) throw error;
    throw new MedperfError('StoreUnavailable', {
      what: `${name} was published but is not reachable at ${shownUrl(url)}.`,
      expected: 'status 200 with the file',
      found: error.facts.found ?? error.facts.what,
      next: 'Check that the web server runs and that the base URL shows the place that is published into.',
    });
  }
}

/** Whether the server answers everybody that they may not read the file. */
export function isRefused(error: unknown): boolean {
  return error instanceof MedperfError && /^status 40[13]$/.test(error.facts.found ?? '');
}
