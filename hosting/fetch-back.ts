import { MedperfError, toMedperfHash } from '../contract';
import type { Digest, HostingFinding, ServedFile } from '../contract';
import { requestFile, shownUrl } from '../store/file-request';
import { fetchServed, judgeFile } from './hosting-check';
import { judgeLink } from './link-rules';

/**
 * Fetches a published file back the way everybody will, and checks where it lies as the hosting check does.
 * @returns its warnings.
 * @throws MedperfError `HashMismatch` when the URL serves another file, `StoreUnavailable` when it serves none,
 * `InvalidRequest` when the link would not last.
 */
export async function requireServed(
  url: string,
  name: string,
  digest: Digest,
  signal?: AbortSignal,
): Promise<readonly HostingFinding[]> {
  const served = await fetchBack(url, name, signal);
  if (served.digest !== digest)
    throw new MedperfError('HashMismatch', {
      what: `${shownUrl(url)} serves another file than the one published.`,
      expected: toMedperfHash(digest),
      found: toMedperfHash(served.digest),
      next: 'Check that the base URL shows the place that is published into, and that nothing rewrites its files.',
    });
  const link = judgeLink(url);
  const findings = [...link, ...judgeFile(shownUrl(url), served, link)];
  if (!findings.some(({ severity }) => severity === 'error')) return findings;
  throw new MedperfError('InvalidRequest', {
    what: `${name} was published where it cannot be relied on.`,
    next: 'Start the worker with a base URL under which published files stay as they are.',
    findings,
  });
}

async function fetchBack(url: string, name: string, signal: AbortSignal | undefined): Promise<ServedFile> {
  try {
    return await fetchServed(requestFile, url, { signal });
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
