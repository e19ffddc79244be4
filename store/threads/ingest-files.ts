import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { WRITTEN_BYTES } from '../file-blocks';
import { useFileSync } from '../last-use';

/** Files up to this many bytes are read whole by a thread; larger ones are streamed by the main thread. */
export const WHOLE_FILE_BYTES = 1024 * 1024;

export interface IngestOrder {
  /** The store's `blobs` folder. */
  readonly blobs: string;
  /** Ends the names of files that are not yet blobs; `renameBlobs` takes it off. */
  readonly suffix: string;
}

/** A file's content is now under its digest, or under that name with the order's suffix when `isNew`. */
export interface IngestedFile {
  readonly hex: string;
  readonly size: number;
  readonly executable: boolean;
  readonly isNew: boolean;
}

export type IngestAnswer =
  | IngestedFile
  /** It has grown beyond {@link WHOLE_FILE_BYTES} meanwhile. */
  | 'large'
  | 'not-a-file'
  | { readonly code: string; readonly at: 'source' | 'place' };

/** Each thread's own, kept from order to order. */
let buffer: Buffer | undefined;

/** Copies small files into the store, read once: the digest is that of the copied bytes. Links are not followed. */
export function ingestFiles({
  sources,
  ...order
}: IngestOrder & { readonly sources: readonly string[] }): IngestAnswer[] {
  // One byte more, so that a file which grew is noticed.
  buffer ??= Buffer.allocUnsafe(WHOLE_FILE_BYTES + 1);
  const place = buffer;
  return sources.map((source) => ingestFile(source, place, order));
}

/** Stores pieces of one buffer as blobs, as {@link ingestFiles} does with files. */
export function ingestPieces({
  bytes,
  lengths,
  ...order
}: IngestOrder & { readonly bytes: Uint8Array; readonly lengths: readonly number[] }): (
  { readonly hex: string; readonly isNew: boolean } | { readonly code: string; readonly at: 'place' }
)[] {
  let from = 0;
  return lengths.map((length) => {
    const piece = bytes.subarray(from, from + length);
    from += length;
    try {
      return store(piece, order);
    } catch (error) {
      return { code: codeOf(error), at: 'place' };
    }
  });
}

function ingestFile(source: string, buffer: Buffer, order: IngestOrder): IngestAnswer {
  let at: 'source' | 'place' = 'source';
  try {
    // O_NONBLOCK: opening a FIFO must not wait for its writer.
    const descriptor = openSync(source, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const found = fstatSync(descriptor);
      if (!found.isFile()) return 'not-a-file';
      const size = readWhole(descriptor, buffer);
      if (size > WHOLE_FILE_BYTES) return 'large';
      at = 'place';
      return { ...store(buffer.subarray(0, size), order), size, executable: (found.mode & 0o100) !== 0 };
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    return { code: codeOf(error), at };
  }
}

function readWhole(descriptor: number, buffer: Buffer): number {
  let size = 0;
  while (size < buffer.length) {
    const read = readSync(descriptor, buffer, size, buffer.length - size, null);
    if (read === 0) break;
    size += read;
  }
  return size;
}

function store(bytes: Uint8Array, { blobs, suffix }: IngestOrder): { hex: string; isNew: boolean } {
  const hex = createHash('sha256').update(bytes).digest('hex');
  const path = `${blobs}/${hex.slice(0, 2)}/${hex}`;
  // A blob of another size under its name is a damaged one and is replaced.
  if (useFileSync(path) === bytes.length) return { hex, isNew: false };
  const incoming = path + suffix;
  const descriptor = create(incoming);
  // The same content came earlier with the same order.
  if (descriptor === null) return { hex, isNew: false };
  try {
    // Containers run as another user: a narrow umask must not hide the blob from them.
    fchmodSync(descriptor, 0o444);
    writeWhole(descriptor, bytes);
  } catch (error) {
    unlinkSync(incoming);
    throw error;
  } finally {
    closeSync(descriptor);
  }
  return { hex, isNew: true };
}

function create(path: string): number | null {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return openSync(path, 'wx', 0o444);
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return null;
      if (codeOf(error) !== 'ENOENT' || attempt > 1) throw error;
      mkdirSync(dirname(path), { recursive: true });
    }
  }
}

function writeWhole(descriptor: number, bytes: Uint8Array): void {
  for (let from = 0; from < bytes.length;)
    from += writeSync(descriptor, bytes, from, Math.min(bytes.length - from, WRITTEN_BYTES));
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'UNKNOWN';
}
