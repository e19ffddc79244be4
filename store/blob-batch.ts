import { createHash, randomUUID } from 'node:crypto';
import { unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { BlobRef, Digest } from '../contract';
import { forEachBounded, inBatches } from './bounded';
import { atPlace, placeFailure } from './failures';
import { inThread } from './file-threads';
import { flush } from './flushing';
import type { IngestAnswer } from './threads/ingest-files';

export const WRITE_FAILED = 'The store could not write a file.';
/** Small contents that go to a thread together. */
const PIECES_BYTES = 4 * 1024 * 1024;
const RENAMED_AT_ONCE = 2_000;
const CLEARED_AT_ONCE = 8;

/**
 * Many small blobs that become visible together: written beside their final names, flushed at once, then renamed. What a
 * killed process leaves behind bears the suffix of {@link isIncoming}.
 */
export class BlobBatch {
  private readonly suffix = `${INCOMING}${randomUUID()}`;
  private readonly fresh = new Set<string>();
  private pieces: Uint8Array[] = [];
  private pieceBytes = 0;

  /** @param folder The store's `blobs`. */
  constructor(private readonly folder: string) {}

  /** Copies small files, in the order given; what a thread cannot take it says. */
  async ingestFiles(sources: readonly string[], signal?: AbortSignal): Promise<IngestAnswer[]> {
    const answers = await inThread('ingestFiles', { sources, ...this.order() }, signal);
    for (const answer of answers) if (typeof answer !== 'string' && 'hex' in answer) this.note(answer);
    return answers;
  }

  /** Takes a small content; it is hashed at once and written when enough have come together, or at the end. */
  async putBytes(bytes: Uint8Array): Promise<BlobRef> {
    this.pieces.push(bytes);
    this.pieceBytes += bytes.length;
    if (this.pieceBytes >= PIECES_BYTES) await this.writePieces();
    const digest: Digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    return { digest, size: bytes.length };
  }

  /** Makes everything visible, in any order. */
  async commit(): Promise<void> {
    await this.writePieces();
    const paths = [...this.fresh].map((hex) => this.path(hex));
    await atPlace(WRITE_FAILED, async () => {
      await flush(
        paths.map((path) => path + this.suffix),
        this.folder,
      );
      await Promise.all(inBatches(paths, RENAMED_AT_ONCE).map((some) => this.rename(some)));
      await flush([...new Set(paths.map((path) => dirname(path)))], this.folder);
    });
    this.fresh.clear();
  }

  /** Removes what was not committed. */
  async abandon(): Promise<void> {
    const left = [...this.fresh].map((hex) => this.path(hex) + this.suffix);
    await forEachBounded(left, CLEARED_AT_ONCE, (path) => unlink(path).catch(() => undefined));
    this.fresh.clear();
  }

  private async writePieces(): Promise<void> {
    const { pieces } = this;
    if (pieces.length === 0) return;
    this.pieces = [];
    this.pieceBytes = 0;
    const lengths = pieces.map(({ length }) => length);
    const answers = await inThread('ingestPieces', { bytes: Buffer.concat(pieces), lengths, ...this.order() });
    for (const answer of answers) {
      if ('code' in answer) throw placeFailure(WRITE_FAILED, answer.code);
      this.note(answer);
    }
  }

  private async rename(paths: readonly string[]): Promise<void> {
    const pairs = paths.map((path) => [path + this.suffix, path] as const);
    const failure = await inThread('renameFiles', { pairs });
    if (failure !== null) throw placeFailure(WRITE_FAILED, failure.code);
  }

  private note({ hex, isNew }: { hex: string; isNew: boolean }): void {
    if (isNew) this.fresh.add(hex);
  }

  private order(): { blobs: string; suffix: string } {
    return { blobs: this.folder, suffix: this.suffix };
  }

  private path(hex: string): string {
    return join(this.folder, hex.slice(0, 2), hex);
  }
}

const INCOMING = '~';

/** True for the name of a file in `blobs/ab/` that is not a blob yet. */
export function isIncoming(name: string): boolean {
  return name.includes(INCOMING);
}
