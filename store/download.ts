import { setTimeout } from 'node:timers/promises';
import type { Dispatcher } from 'undici';
import { MedperfError, toMedperfHash } from '../contract';
import type { BlobRef } from '../contract';
import { refused } from './failures';
import { BLOCK_BYTES } from './file-blocks';
import { HostFailure, requestFile, shownUrl } from './file-request';
import type { FileAnswer } from './file-request';
import type { SpaceAdmission, SpaceShare } from './space-admission';
import { isSha1, sha1Of } from './sha1-names';
import type { PartialBlob, Store } from './store';

/** Attempts in a row that bring nothing new before the host is given up. */
const VAIN_ATTEMPTS = 3;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;

export interface DownloadOptions {
  /** Bare hex SHA-256 as MedPerf's records hold it, or SHA-1 as those of the tutorial's time. */
  readonly expectedHash?: string | undefined;
  readonly maxBytes: number;
  readonly signal?: AbortSignal | undefined;
  /** Why the download waits for disk space, and null when it goes on. */
  readonly onWait?: ((reason: string | null) => void) | undefined;
  /** Bytes so far, and the whole where the host announces it. */
  readonly onProgress?: ((received: number, total: number | null) => void) | undefined;
  /** How to reach the host, such as through a proxy. */
  readonly dispatcher?: Dispatcher | undefined;
}

/**
 * Downloads a file into the store; `url` is http(s), also as MedPerf's `direct:URL`. Goes on where it was interrupted, also
 * by the end of an earlier process, when the host still has the same version. Gives up after three attempts in a row that
 * brought nothing, and throws `StoreUnavailable`; `InvalidRequest` for a wrong URL, a refused or too large file or a web
 * page, `HashMismatch` when the file is another one than expected.
 */
export async function download(store: Store, url: string, options: DownloadOptions): Promise<BlobRef> {
  const partial = await store.openPartial(`${url} ${options.expectedHash ?? ''}`);
  try {
    await transferWhole(store, partial, url, options);
    const blob = await partial.finish();
    await checkHash(store, url, blob, options.expectedHash);
    return blob;
  } catch (error) {
    const mayGoOn = error instanceof HostFailure || options.signal?.aborted === true;
    await (mayGoOn && partial.validator !== null ? partial.keep() : partial.discard());
    throw error;
  }
}

async function transferWhole(
  { space }: Store,
  partial: PartialBlob,
  url: string,
  options: DownloadOptions,
): Promise<void> {
  const room = new Room(space);
  try {
    await transferInto(room, partial, url, options);
  } finally {
    room.release();
  }
}

async function transferInto(room: Room, partial: PartialBlob, url: string, options: DownloadOptions): Promise<void> {
  for (let vain = 0; ;) {
    const before = partial.size;
    try {
      await transfer(room, partial, url, options);
      return;
    } catch (error) {
      if (error instanceof NoRoom) {
        await room.wait(error.bytes, options);
        continue;
      }
      if (!(error instanceof HostFailure)) throw error;
      vain = partial.size > before ? 1 : vain + 1;
      if (vain === VAIN_ATTEMPTS) throw error;
      const pause = Math.min(FIRST_PAUSE_MS * 2 ** vain, LONGEST_PAUSE_MS);
      await setTimeout(pause, undefined, options.signal === undefined ? {} : { signal: options.signal });
    }
  }
}

/** One request: of what is missing, where the host can tell that it still has the same file, else of all. */
async function transfer(room: Room, partial: PartialBlob, url: string, options: DownloadOptions): Promise<void> {
  const { size, validator } = partial;
  const rest = size > 0 && validator !== null ? { from: size, validator } : undefined;
  const answer = await requestFile(url, { ...options, rest });
  try {
    checkAnswer(answer, options.maxBytes);
    await room.take((answer.size ?? 0) - answer.from);
    if (answer.from === 0) await partial.begin(answer.validator);
    await writeAll(partial, room.counted(counted(answer, options)));
  } finally {
    answer.close();
  }
}

/** The host is not kept waiting with its answer: it is asked again when there is room. */
class NoRoom extends Error {
  constructor(readonly bytes: number) {
    super('no room');
  }
}

/** The room on the disk for what one download has still to bring. */
class Room {
  private share: SpaceShare | null = null;

  constructor(private readonly space: SpaceAdmission) {}

  async take(bytes: number): Promise<void> {
    this.share ??= await this.space.tryAdmit(bytes);
    if (this.share === null) throw new NoRoom(bytes);
    this.share.left = bytes;
  }

  async wait(bytes: number, options: DownloadOptions): Promise<void> {
    this.share = await this.space.admit(bytes, options);
  }

  async *counted(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      yield chunk;
      if (this.share !== null) this.share.left -= chunk.length;
    }
  }

  release(): void {
    this.share?.release();
  }
}

/** What came before a failure is written too, so that the next request goes on behind it. */
async function writeAll(partial: PartialBlob, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  let parts: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of chunks) {
      parts.push(chunk);
      bytes += chunk.length;
      if (bytes < BLOCK_BYTES) continue;
      const block = parts;
      parts = [];
      bytes = 0;
      await partial.write(block);
    }
  } finally {
    if (bytes > 0) await partial.write(parts);
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
  let received = answer.from;
  for await (const chunk of answer.body) {
    received += chunk.length;
    if (received > options.maxBytes) throw tooLarge(answer, options.maxBytes);
    options.onProgress?.(received, answer.size);
    yield chunk;
  }
}

async function checkHash(store: Store, url: string, blob: BlobRef, expected: string | undefined): Promise<void> {
  const wanted = expected?.toLowerCase();
  const found = wanted !== undefined && isSha1(wanted) ? await sha1Of(store, blob.digest) : toMedperfHash(blob.digest);
  if (wanted === undefined || found === wanted) return;
  throw new MedperfError('HashMismatch', {
    what: `${shownUrl(url)} is not the expected file.`,
    expected: wanted,
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
