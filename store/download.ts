import type { Dispatcher } from 'undici';
import { MedperfError, toMedperfHash } from '../contract';
import type { BlobRef } from '../contract';
import { refused } from './failures';
import { HostFailure, requestFile, shownUrl } from './file-request';
import type { FileAnswer } from './file-request';
import type { Store } from './store';

const ATTEMPTS = 3;

export interface DownloadOptions {
  /** Bare hex SHA-256 as MedPerf's records hold it. */
  readonly expectedHash?: string | undefined;
  readonly maxBytes: number;
  readonly signal?: AbortSignal | undefined;
  /** Bytes so far, and the whole where the host announces it. */
  readonly onProgress?: ((received: number, total: number | null) => void) | undefined;
  /** How to reach the host, such as through a proxy. */
  readonly dispatcher?: Dispatcher | undefined;
}

/**
 * Downloads a file into the store; `url` is http(s), also as MedPerf's `direct:URL`. Tries three times while the host
 * fails, then throws `StoreUnavailable`; `InvalidRequest` for a wrong URL, a refused or too large file or a web page,
 * `HashMismatch` when the file is another one than expected.
 */
export async function download(store: Store, url: string, options: DownloadOptions): Promise<BlobRef> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const blob = await downloadOnce(store, url, options);
      checkHash(url, blob, options.expectedHash);
      return blob;
    } catch (error) {
      if (!(error instanceof HostFailure) || attempt === ATTEMPTS) throw error;
    }
  }
}

async function downloadOnce(store: Store, url: string, options: DownloadOptions): Promise<BlobRef> {
  const answer = await requestFile(url, options);
  const { signal } = options;
  try {
    checkAnswer(answer, options.maxBytes);
    return await store.putStream(counted(answer, options), signal === undefined ? {} : { signal });
  } finally {
    answer.close();
  }
}

function checkAnswer(answer: FileAnswer, maxBytes: number): void {
  if (answer.contentType.startsWith('text/html'))
    throw refused(
      `${answer.shownUrl} is no file.`,
      'a web page (text/html)',
      'Give the address of the file itself, not of a page about it.',
    );
  if (answer.size !== null && answer.size > maxBytes) throw tooLarge(answer, maxBytes);
}

async function* counted(answer: FileAnswer, options: DownloadOptions): AsyncGenerator<Uint8Array> {
  let received = 0;
  for await (const chunk of answer.body) {
    received += chunk.length;
    if (received > options.maxBytes) throw tooLarge(answer, options.maxBytes);
    options.onProgress?.(received, answer.size);
    yield chunk;
  }
}

function checkHash(url: string, blob: BlobRef, expectedHash: string | undefined): void {
  const found = toMedperfHash(blob.digest);
  if (expectedHash === undefined || found === expectedHash.toLowerCase()) return;
  throw new MedperfError('HashMismatch', {
    what: `${shownUrl(url)} is not the expected file.`,
    expected: expectedHash,
    found,
    next: 'Check whether the file was replaced, or correct the hash.',
  });
}

function tooLarge(answer: FileAnswer, maxBytes: number): MedperfError {
  return refused(
    `${answer.shownUrl} is larger than allowed.`,
    answer.size === null ? 'more than that' : `${answer.size} bytes`,
    'Host a smaller file, or have the operator raise the limit.',
    `at most ${maxBytes} bytes`,
  );
}
