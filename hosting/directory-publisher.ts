import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { MedperfError, toMedperfHash } from '../contract';
import type { Digest } from '../contract';
import { requestFile, shownUrl } from '../store/file-request';
import type { Store } from '../store/store';
import type { Publisher } from './publisher';

/** Plain in every URL and file system, and never hidden. */
const PLAIN_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
/** Hex digits of a digest that tell the versions of a file apart. */
const VERSION_DIGITS = 12;

export interface DirectoryPublisherOptions {
  readonly store: Store;
  /** The folder that the web server publishes. */
  readonly directory: string;
  /** Where the web server shows that folder. */
  readonly baseUrl: string;
}

/** Publishes into a directory that a web server serves, as `<folder>/<version>/<file name>`. */
export class DirectoryPublisher implements Publisher {
  constructor(private readonly options: DirectoryPublisherOptions) {}

  async publish(
    folder: string,
    files: Readonly<Record<string, Digest>>,
    signal?: AbortSignal,
  ): Promise<Readonly<Record<string, string>>> {
    checkName('folder', folder);
    for (const name of Object.keys(files)) checkName('file', name);
    const urls: Record<string, string> = {};
    for (const [name, digest] of Object.entries(files))
      urls[name] = await this.publishFile(folder, name, digest, signal);
    return urls;
  }

  private async publishFile(folder: string, name: string, digest: Digest, signal?: AbortSignal): Promise<string> {
    signal?.throwIfAborted();
    const place = [folder, toMedperfHash(digest).slice(0, VERSION_DIGITS), name];
    await this.options.store.materialiseFile(digest, join(this.options.directory, ...place), 'copy');
    const url = `${this.options.baseUrl.replace(/\/+$/, '')}/${place.join('/')}`;
    const served = await hashOfServed(url, name, signal);
    if (served === digest) return url;
    throw new MedperfError('HashMismatch', {
      what: `${shownUrl(url)} serves another file than the one published.`,
      expected: toMedperfHash(digest),
      found: toMedperfHash(served),
      next: 'Check that the base URL shows the folder that is published into, and that nothing rewrites its files.',
    });
  }
}

/** Fetches a published file back the way everybody will. */
async function hashOfServed(url: string, name: string, signal?: AbortSignal): Promise<Digest> {
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
      next: 'Check that the web server runs and that the base URL shows the folder that is published into.',
    });
  }
}

function checkName(kind: string, name: string): void {
  if (PLAIN_NAME.test(name)) return;
  throw new MedperfError('InvalidRequest', {
    what: `The ${kind} name ${JSON.stringify(name)} cannot be published.`,
    expected: 'letters, digits, ".", "_" and "-", at most 100, beginning with a letter or digit',
    found: 'another character or length',
    next: 'Choose another name.',
  });
}
