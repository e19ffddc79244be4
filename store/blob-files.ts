import { createHash, randomUUID } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, rename, stat, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { isDigest, MedperfError, toMedperfHash } from '../contract';
import type { BlobRef, Digest } from '../contract';
import { atPlace, atSource, errorCode, quoted, refused } from './failures';

/** Bytes that are hashed and written at once; smaller contents are written only when they are new. */
export const BLOCK_BYTES = 1024 * 1024;
const WRITE_FAILED = 'The store could not write a file.';

export interface PutLimits {
  /** Called with the number of each further bytes; throws to refuse them. */
  readonly onBytes?: (count: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** The blobs of a file store: `blobs/ab/<hex>`, mode 0444, never changed once they are there. */
export class BlobFiles {
  constructor(private readonly root: string) {}

  path(digest: Digest): string {
    const hex = hexOf(digest);
    return join(this.root, 'blobs', hex.slice(0, 2), hex);
  }

  async has(digest: Digest): Promise<boolean> {
    return (await this.sizeOf(digest)) !== null;
  }

  sizeOf(digest: Digest): Promise<number | null> {
    return atPlace(`The store could not look for ${digest}.`, async () => {
      try {
        return (await stat(this.path(digest))).size;
      } catch (error) {
        if (errorCode(error) === 'ENOENT') return null;
        throw error;
      }
    });
  }

  async putBytes(bytes: Uint8Array): Promise<BlobRef> {
    const hash = createHash('sha256').update(bytes);
    const blob: BlobRef = { digest: asDigest(hash), size: bytes.length };
    await atPlace(WRITE_FAILED, async () => {
      if ((await this.sizeOf(blob.digest)) === blob.size) return;
      const incoming = await this.openIncoming();
      await incoming.finish(async () => {
        await incoming.handle.writeFile(bytes);
        await this.settle(incoming, blob);
      });
    });
    return blob;
  }

  /** Errors of `chunks` itself pass as they are. */
  async putChunks(chunks: AsyncIterable<Uint8Array>, limits: PutLimits = {}): Promise<BlobRef> {
    const blocks = inBlocks(chunks, limits);
    try {
      const first = await blocks.next();
      if (first.done) return await this.putBytes(new Uint8Array(0));
      const second = await blocks.next();
      if (second.done) return await this.putBytes(first.value);
      return await this.putBlocks([first.value, second.value], blocks);
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
      const blob = await this.putChunks(readBlocks(handle, found.size, name), limits);
      return { ...blob, executable: (found.mode & 0o100) !== 0 };
    } finally {
      await handle.close();
    }
  }

  async openRead(digest: Digest): Promise<Readable> {
    const handle = await this.openBlob(digest);
    return handle.createReadStream({ highWaterMark: BLOCK_BYTES });
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
        if (asDigest(createHash('sha256').update(bytes)) !== digest) throw damaged(digest);
        return bytes;
      });
    } finally {
      await handle.close();
    }
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

  private async putBlocks(first: readonly Uint8Array[], rest: AsyncIterable<Uint8Array>): Promise<BlobRef> {
    const incoming = await atPlace(WRITE_FAILED, () => this.openIncoming());
    return incoming.finish(async () => {
      const hash = createHash('sha256');
      let size = 0;
      const take = async (block: Uint8Array) => {
        hash.update(block);
        size += block.length;
        await atPlace(WRITE_FAILED, () => incoming.handle.writeFile(block));
      };
      for (const block of first) await take(block);
      for await (const block of rest) await take(block);
      const blob: BlobRef = { digest: asDigest(hash), size };
      await atPlace(WRITE_FAILED, () => this.settle(incoming, blob));
      return blob;
    });
  }

  private async openIncoming(): Promise<IncomingFile> {
    const folder = join(this.root, 'incoming');
    await mkdir(folder, { recursive: true });
    const path = join(folder, randomUUID());
    return new IncomingFile(path, await open(path, 'wx', 0o444));
  }

  /** A blob of another size under the same name is a damaged one and is replaced. */
  private async settle(incoming: IncomingFile, blob: BlobRef): Promise<void> {
    if ((await this.sizeOf(blob.digest)) === blob.size) return;
    await incoming.handle.chmod(0o444);
    await incoming.handle.sync();
    const path = this.path(blob.digest);
    await mkdir(dirname(path), { recursive: true });
    await rename(incoming.path, path);
  }
}

/** A file on its way into the store; gone after {@link finish} unless it was renamed. */
class IncomingFile {
  constructor(
    readonly path: string,
    readonly handle: FileHandle,
  ) {}

  async finish<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } finally {
      await this.handle.close();
      await unlink(this.path).catch((error: unknown) => {
        if (errorCode(error) !== 'ENOENT') throw error;
      });
    }
  }
}

/** Joins small chunks, so that every block but the last has at least {@link BLOCK_BYTES}. */
async function* inBlocks(chunks: AsyncIterable<Uint8Array>, limits: PutLimits): AsyncGenerator<Uint8Array, void> {
  let held: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    limits.signal?.throwIfAborted();
    limits.onBytes?.(chunk.length);
    held.push(chunk);
    bytes += chunk.length;
    if (bytes < BLOCK_BYTES) continue;
    yield joined(held);
    held = [];
    bytes = 0;
  }
  if (bytes > 0) yield joined(held);
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const [only] = chunks;
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
}

/** One byte more than the file has, so that the end of a small file is seen with the second read. */
async function* readBlocks(handle: FileHandle, size: number, name: string): AsyncGenerator<Uint8Array, void> {
  const length = Math.min(size + 1, BLOCK_BYTES);
  for (;;) {
    const { bytesRead, buffer } = await atSource(name, () => handle.read(Buffer.allocUnsafe(length), 0, length));
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
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

export function missing(digest: Digest): MedperfError {
  return new MedperfError('StoreUnavailable', {
    what: `${digest} is not in the store.`,
    next: 'Check that this process uses the same store as the one that put it there.',
  });
}

function damaged(digest: Digest): MedperfError {
  return new MedperfError('StoreUnavailable', {
    what: `${digest} is damaged in the store: its bytes have another hash.`,
    next: 'Check the disk, remove the damaged blob and put its content into the store again.',
  });
}
