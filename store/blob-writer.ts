import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { BlobRef, Digest } from '../contract';
import { errorCode } from './failures';
import { WRITTEN_BYTES } from './file-blocks';
import { flush } from './flushing';

/** Writes that wait; what bounds the memory. */
const WRITES_AHEAD = 4;
/** After so many bytes the disk is set to work, so that the last flush has little left to do. */
const FLUSH_EVERY_BYTES = 32 * 1024 * 1024;

/** A blob that is written, hashed and brought to the disk at the same time; it appears whole under its digest, or not at all. */
export class BlobWriter {
  /** Told, in order, how many bytes are sure to be on the disk. */
  onFlushed: (size: number) => Promise<void> = () => Promise.resolve();
  size = 0;
  private readonly hash = createHash('sha256');
  private readonly writes: Promise<void>[] = [];
  private writing: Promise<void> = Promise.resolve();
  private flushed = 0;
  private closed = false;
  private flushing: Promise<void> = Promise.resolve();
  private failure: { readonly error: unknown } | null = null;

  private constructor(
    private readonly path: string,
    private readonly handle: FileHandle,
  ) {}

  static async open(incoming: string): Promise<BlobWriter> {
    await mkdir(incoming, { recursive: true });
    return BlobWriter.create(join(incoming, randomUUID()));
  }

  static async create(path: string): Promise<BlobWriter> {
    return new BlobWriter(path, await open(path, 'wx', 0o600));
  }

  /** Goes on after the first `size` bytes of what an earlier writer left. */
  static async resume(path: string, size: number): Promise<BlobWriter> {
    const handle = await open(path, 'r+');
    try {
      await handle.truncate(size);
      const writer = new BlobWriter(path, handle);
      for await (const block of createReadStream(path, { highWaterMark: 1024 * 1024 }))
        writer.hash.update(block as Buffer);
      writer.size = size;
      writer.flushed = size;
      return writer;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Takes the next bytes and waits while too much is under way; `written` is called when the bytes are needed no more. */
  async write(parts: readonly Uint8Array[], written: () => void = () => undefined): Promise<void> {
    let length = 0;
    for (const part of parts) length += part.length;
    const position = this.size;
    this.size += length;
    // One after the other: the file system lets only one write of a file go on, and others would spin for it.
    this.writing = this.writing.then(() => this.guarded(this.writeInPieces(parts, position).then(written)));
    this.writes.push(this.writing);
    // After the write was begun: both go on at the same time.
    for (const part of parts) this.hash.update(part);
    this.flushBehind();
    if (this.writes.length > WRITES_AHEAD) await this.writes.shift();
    this.refuseFailed();
  }

  /** @param pathOf Where a blob belongs; what is there with that size already stays. */
  async finish(pathOf: (digest: Digest) => string, isThere: (blob: BlobRef) => Promise<boolean>): Promise<BlobRef> {
    await Promise.all(this.writes);
    await this.flushing;
    this.refuseFailed();
    const blob: BlobRef = { digest: `sha256:${this.hash.digest('hex')}`, size: this.size };
    if (await isThere(blob)) return blob;
    // Containers run as another user: a narrow umask must not hide the blob from them.
    await this.handle.chmod(0o444);
    await this.handle.sync();
    const target = pathOf(blob.digest);
    await mkdir(dirname(target), { recursive: true });
    await rename(this.path, target);
    await flush(1, () => [dirname(target)], dirname(target));
    return blob;
  }

  /** Ends the writing and leaves the file; tells how many bytes are on the disk, or null when it cannot be gone on with. */
  async leave(): Promise<number | null> {
    await Promise.all(this.writes);
    await this.flushing;
    if (this.failure !== null || this.size === 0) return null;
    await this.handle.sync();
    this.closed = true;
    await this.handle.close();
    return this.size;
  }

  /** To be called in any case; what {@link finish} did not put into its place is removed. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await Promise.all(this.writes);
    await this.flushing;
    await this.handle.close();
    await unlink(this.path).catch((error: unknown) => {
      if (errorCode(error) !== 'ENOENT') throw error;
    });
  }

  private async writeInPieces(parts: readonly Uint8Array[], position: number): Promise<void> {
    let at = position;
    const pieces: Promise<void>[] = [];
    for (const { piece, length } of inPieces(parts)) {
      pieces.push(this.writeAll(piece, length, at));
      at += length;
    }
    await Promise.all(pieces);
  }

  private async writeAll(parts: readonly Uint8Array[], length: number, position: number): Promise<void> {
    const { bytesWritten } = await this.handle.writev([...parts], position);
    if (bytesWritten === length) return;
    // A short write, as at the end of a disk: the rest tells why, or fits.
    const rest = Buffer.concat(parts).subarray(bytesWritten);
    await this.writeAll([rest], rest.length, position + bytesWritten);
  }

  private flushBehind(): void {
    if (this.size - this.flushed < FLUSH_EVERY_BYTES) return;
    const size = this.size;
    this.flushed = size;
    const written = Promise.all(this.writes);
    this.flushing = this.flushing.then(() =>
      this.guarded(written.then(() => this.handle.datasync()).then(() => this.onFlushed(size))),
    );
  }

  private guarded(work: Promise<unknown>): Promise<void> {
    return work.then(
      () => undefined,
      (error: unknown) => {
        this.failure ??= { error };
      },
    );
  }

  private refuseFailed(): void {
    if (this.failure !== null) throw this.failure.error;
  }
}

/** Cuts what is large and puts together what is small. */
function* inPieces(parts: readonly Uint8Array[]): Generator<{ piece: Uint8Array[]; length: number }> {
  let piece: Uint8Array[] = [];
  let length = 0;
  for (const part of parts) {
    for (let from = 0; from < part.length;) {
      const taken = part.subarray(from, from + WRITTEN_BYTES - length);
      piece.push(taken);
      from += taken.length;
      length += taken.length;
      if (length < WRITTEN_BYTES) continue;
      yield { piece, length };
      piece = [];
      length = 0;
    }
  }
  if (length > 0) yield { piece, length };
}
