import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { BlobRef, Digest } from '../contract';
import { errorCode } from './failures';
import { WRITTEN_BYTES } from './file-blocks';
import { flush } from './flushing';

/** After so many bytes the disk is set to work, so that the last flush has little left to do. */
const FLUSH_EVERY_BYTES = 32 * 1024 * 1024;

/** A blob that is written, hashed and brought to the disk at the same time; it appears whole under its digest, or not at all. */
export class BlobWriter {
  /** Told, in order, how many bytes are sure to be on the disk. */
  onFlushed: (size: number) => Promise<void> = () => Promise.resolve();
  size = 0;
  private readonly hash = createHash('sha256');
  /** Of the newest piece; those before it are written. */
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

  /** Takes the next bytes; `written` is called when they are needed no more. */
  async write(parts: readonly Uint8Array[], written: () => void = () => undefined): Promise<void> {
    for (const { piece, length } of inPieces(parts)) {
      const write = this.guarded(this.writeAll(piece, length, this.size));
      this.size += length;
      // While the piece is written. Only one of a file can be: others would spin for it.
      for (const part of piece) this.hash.update(part);
      await this.writing;
      this.writing = write;
    }
    void this.writing.then(written);
    this.flushBehind();
    this.refuseFailed();
  }

  /** @param pathOf Where a blob belongs; what is there with that size already stays. */
  async finish(pathOf: (digest: Digest) => string, isThere: (blob: BlobRef) => Promise<boolean>): Promise<BlobRef> {
    await this.writing;
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
    await this.writing;
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
    await this.writing;
    await this.flushing;
    await this.handle.close();
    await unlink(this.path).catch((error: unknown) => {
      if (errorCode(error) !== 'ENOENT') throw error;
    });
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
    const written = this.writing;
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
