import { createHash, randomUUID } from 'node:crypto';
import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { toMedperfHash } from '../contract';
import type { BlobRef, Digest } from '../contract';
import { forEachBounded, inBatches } from './bounded';
import { atPlace, placeFailure } from './failures';
import { inThread } from './file-threads';
import { flush } from './flushing';
import type { IngestAnswer } from './threads/ingest-files';

export const WRITE_FAILED = 'The store could not write a file.';
/** Small contents that go to a thread together. */
const PIECES_BYTES = 1024 * 1024;
const RENAMED_AT_ONCE = 2_000;
/** Of a blob's name: that of the folder that it lies in. */
const FOLDER_DIGITS = 2;
const CLEARED_AT_ONCE = 8;
/** After so many files those that are written become visible: work that is interrupted need not write them again. */
const SETTLED_AT_ONCE = 4_096;

/**
 * Many small blobs: written beside their final names, flushed together, then renamed, folders after what is in them. So a
 * folder that is there is whole, also when the process is killed; what it leaves behind bears the suffix of {@link isIncoming}.
 */
export class BlobBatch {
  private readonly suffix = `${INCOMING}${randomUUID()}`;
  /** Written, and not yet on its way to its final name. */
  private fresh = new Set<string>();
  /** Everything that bears the suffix still. */
  private readonly left = new Set<string>();
  /** Folders in the order in which they were put: those that are in others come first. */
  private readonly listings = new Set<string>();
  /** Names of those in which something became visible; their own names are on the disk only once they are flushed. */
  private readonly folders = new Set<string>();
  private settling: Promise<void> = Promise.resolve();
  private writing: Promise<void> = Promise.resolve();
  private pieces: Uint8Array[] = [];
  private pieceBytes = 0;

  /** @param folder The store's `blobs`. */
  constructor(private readonly folder: string) {}

  /** Copies small files, in the order given; what a thread cannot take it says. */
  async ingestFiles(sources: readonly string[], signal?: AbortSignal): Promise<IngestAnswer[]> {
    const answers = await inThread('ingestFiles', { sources, ...this.order() }, signal);
    for (const answer of answers) if (typeof answer !== 'string' && 'hex' in answer) this.note(answer);
    if (this.fresh.size >= SETTLED_AT_ONCE) this.settleBehind();
    return answers;
  }

  /** Takes a small content; it is hashed at once and written when enough have come together, or at the end. */
  async putBytes(bytes: Uint8Array): Promise<BlobRef> {
    this.pieces.push(bytes);
    this.pieceBytes += bytes.length;
    if (this.pieceBytes >= PIECES_BYTES) await this.writePiecesBehind();
    const digest: Digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    return { digest, size: bytes.length };
  }

  /** Takes a folder, whose members were put before it. */
  async putListing(bytes: Uint8Array): Promise<BlobRef> {
    const blob = await this.putBytes(bytes);
    this.listings.add(toMedperfHash(blob.digest));
    return blob;
  }

  /** Makes everything visible. */
  async commit(): Promise<void> {
    await this.writePiecesBehind();
    await this.writing;
    this.settleBehind();
    await this.settling;
    await atPlace(WRITE_FAILED, () => this.flushFolders());
    this.folders.clear();
  }

  private flushFolders(): Promise<void> {
    return flush(this.folders.size, () => [...this.folders].map((name) => join(this.folder, name)), this.folder);
  }

  /** Removes what has not become visible. */
  async abandon(): Promise<void> {
    await this.writing.catch(() => undefined);
    await this.settling.catch(() => undefined);
    const left = [...this.left].map((hex) => this.path(hex) + this.suffix);
    await forEachBounded(left, CLEARED_AT_ONCE, (path) => unlink(path).catch(() => undefined));
    this.left.clear();
  }

  /** Goes on beside the copying; `commit` tells of its failure. */
  private settleBehind(): void {
    const { fresh } = this;
    this.fresh = new Set();
    this.settling = this.settling.then(() => atPlace(WRITE_FAILED, () => this.settle(fresh)));
    this.settling.catch(() => undefined);
  }

  private async settle(fresh: ReadonlySet<string>): Promise<void> {
    const listings = [...this.listings].filter((hex) => fresh.has(hex));
    const files = [...fresh].filter((hex) => !this.listings.has(hex));
    await flush(fresh.size, () => [...fresh].map((hex) => this.path(hex) + this.suffix), this.folder);
    await Promise.all(inBatches(files, RENAMED_AT_ONCE).map((some) => this.rename(some)));
    for (const some of inBatches(listings, RENAMED_AT_ONCE)) await this.rename(some);
    for (const hex of fresh) this.folders.add(hex.slice(0, FOLDER_DIGITS));
  }

  /** While a thread writes them the next ones come together: two lots are held at most. */
  private async writePiecesBehind(): Promise<void> {
    await this.writing;
    const { pieces } = this;
    if (pieces.length === 0) return;
    this.pieces = [];
    this.pieceBytes = 0;
    this.writing = this.writePieces(pieces);
    this.writing.catch(() => undefined);
  }

  private async writePieces(pieces: readonly Uint8Array[]): Promise<void> {
    const lengths = pieces.map(({ length }) => length);
    const answers = await inThread('ingestPieces', { bytes: Buffer.concat(pieces), lengths, ...this.order() });
    for (const answer of answers) if ('hex' in answer) this.note(answer);
    for (const answer of answers) if ('code' in answer) throw placeFailure(WRITE_FAILED, answer.code);
    if (this.fresh.size >= SETTLED_AT_ONCE) this.settleBehind();
  }

  private async rename(hexes: readonly string[]): Promise<void> {
    const failure = await inThread('renameBlobs', { hexes, ...this.order() });
    for (const hex of hexes.slice(0, failure?.at)) this.left.delete(hex);
    if (failure !== null) throw placeFailure(WRITE_FAILED, failure.code);
  }

  private note({ hex, isNew }: { hex: string; isNew: boolean }): void {
    if (!isNew) return;
    this.fresh.add(hex);
    this.left.add(hex);
  }

  private order(): { blobs: string; suffix: string } {
    return { blobs: this.folder, suffix: this.suffix };
  }

  private path(hex: string): string {
    return join(this.folder, hex.slice(0, FOLDER_DIGITS), hex);
  }
}

/** Does `put` with a batch of a store's `blobs`: all of it is visible when this is done. */
export async function inBatch<T>(folder: string, put: (batch: BlobBatch) => Promise<T>): Promise<T> {
  const batch = new BlobBatch(folder);
  try {
    const done = await put(batch);
    await batch.commit();
    return done;
  } catch (error) {
    await batch.abandon();
    throw error;
  }
}

const INCOMING = '~';

/** True for the name of a file in `blobs/ab/` that is not a blob yet. */
export function isIncoming(name: string): boolean {
  return name.includes(INCOMING);
}
