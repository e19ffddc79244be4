import { createHash, randomUUID } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, readFile, rename, writeFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { isDigest, toMedperfHash } from '../contract';
import type { BlobRef, Digest, MedperfError } from '../contract';
import { WRITE_FAILED } from './blob-batch';
import { BlobWriter } from './blob-writer';
import { inBatches } from './bounded';
import { atPlace, atSource, damaged, errorCode, missing, placeFailure, quoted, refused } from './failures';
import { BLOCK_BYTES, readInBlocks } from './file-blocks';
import { inThread } from './file-threads';
import { useFile } from './last-use';
import { PartialBlobs } from './partial-blobs';
import type { ByteRange } from './store';
import { OTHER_HASH } from './threads/read-files';

const LOOKED_FOR_AT_ONCE = 2_000;

export interface PutLimits {
  /** Called with the number of each further bytes; throws to refuse them. */
  readonly onBytes?: (count: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** The blobs of a file store: `blobs/ab/<hex>`, mode 0444, never changed once they are there. */
export class BlobFiles {
  /** The folder of all blobs. */
  readonly folder: string;

  readonly partial: PartialBlobs;

  constructor(private readonly root: string) {
    this.folder = join(root, 'blobs');
    this.partial = new PartialBlobs(
      join(root, 'incoming'),
      (digest) => this.path(digest),
      (blob) => this.isThere(blob),
    );
  }

  path(digest: Digest): string {
    const hex = hexOf(digest);
    return join(this.folder, hex.slice(0, 2), hex);
  }

  async has(digest: Digest): Promise<boolean> {
    return (await this.sizeOf(digest)) !== null;
  }

  /** Whoever looks for a blob uses it. */
  sizeOf(digest: Digest): Promise<number | null> {
    return atPlace(`The store could not look for ${digest}.`, () => useFile(this.path(digest)));
  }

  /** Which of the blobs are there with their sizes; those count as used now. */
  async arePresent(blobs: readonly BlobRef[]): Promise<boolean[]> {
    const files = blobs.map(({ digest, size }) => ({ path: this.path(digest), size }));
    const answers = inBatches(files, LOOKED_FOR_AT_ONCE).map((some) => inThread('arePresent', { files: some }));
    return (await Promise.all(answers)).flat();
  }

  async putBytes(bytes: Uint8Array): Promise<BlobRef> {
    const blob: BlobRef = { digest: asDigest(createHash('sha256').update(bytes)), size: bytes.length };
    if ((await this.sizeOf(blob.digest)) === blob.size) {
      if (await this.holds(blob.digest, bytes)) return blob;
      await this.quarantine(blob.digest);
    }
    return this.written((writer) => writer.write([bytes]));
  }

  /** Errors of `chunks` itself pass as they are. */
  async putChunks(chunks: AsyncIterable<Uint8Array>, limits: PutLimits = {}): Promise<BlobRef> {
    const blocks = inBlocks(chunks, limits);
    try {
      const first = await blocks.next();
      if (first.done) return await this.putBytes(new Uint8Array(0));
      const second = await blocks.next();
      // What is there already is not written again, where that is known before the first byte is written.
      if (second.done) return await this.putBytes(Buffer.concat(first.value));
      return await this.written(async (writer) => {
        await atPlace(WRITE_FAILED, () => writer.write(first.value));
        await atPlace(WRITE_FAILED, () => writer.write(second.value));
        for await (const block of blocks) await atPlace(WRITE_FAILED, () => writer.write(block));
      });
    } finally {
      await blocks.return();
    }
  }

  /** Puts a regular file; `name` is what messages call it. Links are not followed. */
  async putFile(path: string, name: string, limits: PutLimits = {}): Promise<BlobRef & { executable: boolean }> {
    // O_NONBLOCK: opening a FIFO must not wait for its writer.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const handle = await atSource(name, () => open(path, flags));
    try {
      const found = await atSource(name, () => handle.stat());
      if (!found.isFile()) throw notRegular(name);
      const blob =
        found.size <= BLOCK_BYTES
          ? await this.putChunks(handle.createReadStream({ autoClose: false }), limits)
          : await this.putLargeFile(handle, name, limits);
      return { ...blob, executable: (found.mode & 0o100) !== 0 };
    } finally {
      await handle.close();
    }
  }

  async openRead(digest: Digest, range?: ByteRange): Promise<Readable> {
    const handle = await this.openBlob(digest);
    const part = range === undefined ? {} : { start: range.start, end: range.end - 1 };
    return handle.createReadStream({ highWaterMark: BLOCK_BYTES, ...part });
  }

  async readMany(blobs: readonly BlobRef[]): Promise<Uint8Array[]> {
    const files = blobs.map(({ digest }) => ({ path: this.path(digest), hex: hexOf(digest) }));
    const contents = await inThread('readFiles', { files });
    if (!('code' in contents)) return contents;
    const digest = blobs[contents.at]?.digest;
    if (contents.code === OTHER_HASH && digest !== undefined) await this.refuseDamaged(digest);
    if (contents.code === 'ENOENT' && digest !== undefined) throw missing(digest);
    throw placeFailure('The store could not read its blobs.', contents.code);
  }

  async readBytes(digest: Digest, maxBytes: number): Promise<Buffer> {
    const handle = await this.openBlob(digest);
    try {
      return await atPlace(`The store could not read ${digest}.`, async () => {
        const { size } = await handle.stat();
        if (size > maxBytes)
          throw refused(
            `${digest} is too large to be read at once.`,
            `${size} bytes`,
            'Use a smaller file.',
            `at most ${maxBytes} bytes`,
          );
        const bytes = await handle.readFile();
        if (asDigest(createHash('sha256').update(bytes)) === digest) return bytes;
        return this.refuseDamaged(digest);
      });
    } finally {
      await handle.close();
    }
  }

  /** Hashes a whole blob in a thread; throws {@link ContentFailure} when it is missing, or damaged and so quarantined. */
  async check(digest: Digest, signal?: AbortSignal): Promise<void> {
    const stop = new Int32Array(new SharedArrayBuffer(4));
    const halt = (): void => void Atomics.store(stop, 0, 1);
    signal?.addEventListener('abort', halt, { once: true });
    try {
      const [found] = await inThread('hashFiles', { paths: [this.path(digest)], text: '', stop }, signal);
      signal?.throwIfAborted();
      if (found === undefined) throw new TypeError('a thread left a file out');
      if ('hex' in found) {
        if (found.hex !== hexOf(digest)) await this.refuseDamaged(digest);
      } else if (found.code === 'ENOENT') throw missing(digest);
      else throw placeFailure(`The store could not read ${digest}.`, found.code);
    } finally {
      signal?.removeEventListener('abort', halt);
    }
  }

  /** Quarantines the blob and throws. */
  async refuseDamaged(digest: Digest): Promise<never> {
    await this.quarantine(digest);
    throw damaged(digest);
  }

  /** Moves a damaged blob out of the way, so that nobody reads it and it can be put again. */
  async quarantine(digest: Digest): Promise<void> {
    const folder = join(this.root, 'quarantine');
    await mkdir(folder, { recursive: true });
    await rename(this.path(digest), join(folder, hexOf(digest))).catch((error: unknown) => {
      if (errorCode(error) !== 'ENOENT') throw error;
    });
    await this.newGeneration();
  }

  /**
   * Changes whenever blobs were removed: what was there under the same generation is still there. It lies among the blobs,
   * so that it goes with them.
   */
  async generation(): Promise<string> {
    const path = join(this.folder, 'generation');
    return atPlace('The store could not be read.', async () => {
      const found = await readFile(path, 'utf8').catch((error: unknown) => {
        if (errorCode(error) === 'ENOENT') return '';
        throw error;
      });
      return found === '' ? this.newGeneration() : found;
    });
  }

  async newGeneration(): Promise<string> {
    const generation = randomUUID();
    await mkdir(this.folder, { recursive: true });
    await writeFile(join(this.folder, 'generation'), generation);
    return generation;
  }

  private holds(digest: Digest, bytes: Uint8Array): Promise<boolean> {
    return atPlace(`The store could not read ${digest}.`, () =>
      readFile(this.path(digest)).then(
        (found) => found.equals(bytes),
        (error: unknown) => {
          if (errorCode(error) === 'ENOENT') return false;
          throw error;
        },
      ),
    );
  }

  private async isThere({ digest, size }: BlobRef): Promise<boolean> {
    return (await this.sizeOf(digest)) === size;
  }

  private openBlob(digest: Digest): Promise<FileHandle> {
    return atPlace(`The store could not open ${digest}.`, async () => {
      try {
        return await open(this.path(digest));
      } catch (error) {
        throw errorCode(error) === 'ENOENT' ? missing(digest) : error;
      }
    });
  }

  private putLargeFile(handle: FileHandle, name: string, { onBytes, signal }: PutLimits): Promise<BlobRef> {
    return this.written((writer) =>
      atSource(name, () =>
        readInBlocks(handle, async (block, giveBack) => {
          signal?.throwIfAborted();
          onBytes?.(block.length);
          await atPlace(WRITE_FAILED, () => writer.write([block], giveBack));
        }),
      ),
    );
  }

  private async written(write: (writer: BlobWriter) => Promise<void>): Promise<BlobRef> {
    const writer = await atPlace(WRITE_FAILED, () => BlobWriter.open(join(this.root, 'incoming')));
    try {
      await write(writer);
      return await atPlace(WRITE_FAILED, () =>
        writer.finish(
          (digest) => this.path(digest),
          (blob) => this.isThere(blob),
        ),
      );
    } finally {
      await writer.close();
    }
  }
}

/** Joins small chunks, so that every block but the last has at least {@link BLOCK_BYTES}. */
async function* inBlocks(chunks: AsyncIterable<Uint8Array>, limits: PutLimits): AsyncGenerator<Uint8Array[], void> {
  let held: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    limits.signal?.throwIfAborted();
    limits.onBytes?.(chunk.length);
    held.push(chunk);
    bytes += chunk.length;
    if (bytes < BLOCK_BYTES) continue;
    yield held;
    held = [];
    bytes = 0;
  }
  if (bytes > 0) yield held;
}

/** The part of a digest that names a file; throws for what only looks like a digest and could lead elsewhere. */
export function hexOf(digest: Digest): string {
  if (isDigest(digest)) return toMedperfHash(digest);
  throw refused('A digest cannot be used.', quoted(String(digest)), 'Give a digest.', 'sha256: and 64 hex digits');
}

function asDigest(hash: Hash): Digest {
  return `sha256:${hash.digest('hex')}`;
}

export function notRegular(name: string): MedperfError {
  return refused(`${quoted(name)} cannot be stored.`, 'a device, FIFO or socket', 'Remove it.', 'files and folders');
}
