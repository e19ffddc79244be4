import type { Digest } from '../contract';
import type { BlobFiles } from './blob-files';
import { inThread } from './file-threads';
import type { StoreContents } from './store-contents';
import { decodeListing, LISTING_BEGINS, MAX_LISTING_BYTES } from './tree-listing';
import type { ListingEntry } from './tree-listing';

/** How a place's blobs are looked into without counting as used. */
export interface BlobReading {
  /** Whether each begins as a listing does; false for what is gone. */
  beginAsListings(blobs: readonly Digest[]): Promise<readonly boolean[]>;
  /** A whole small blob, checked by its hash. */
  readBytes(blob: Digest, maxBytes: number): Promise<Uint8Array>;
}

export function readingOf(files: BlobFiles): BlobReading {
  return {
    beginAsListings: (blobs) =>
      inThread('beginWith', { paths: blobs.map((digest) => files.path(digest)), text: LISTING_BEGINS }),
    readBytes: (blob, maxBytes) => files.readBytes(blob, maxBytes),
  };
}

/** The folders among the blobs of a store. */
export class StoredTrees {
  constructor(
    private readonly blobs: StoreContents['blobs'],
    private readonly reading: BlobReading,
  ) {}

  /** A digest does not say whether it is a tree's; a file that only looks like a listing is taken for one. */
  async among(digests: readonly Digest[]): Promise<Digest[]> {
    const candidates = digests.filter((digest) => (this.blobs.get(digest)?.size ?? Infinity) <= MAX_LISTING_BYTES);
    const begun = await this.reading.beginAsListings(candidates);
    return candidates.filter((_digest, at) => begun[at] === true);
  }

  /** What is gone, damaged or another kind of file has no members. */
  async list(tree: Digest): Promise<readonly ListingEntry[]> {
    if (!this.blobs.has(tree)) return [];
    try {
      return decodeListing(Buffer.from(await this.reading.readBytes(tree, MAX_LISTING_BYTES)), tree);
    } catch {
      return [];
    }
  }

  /** Folders before what is in them, level by level: who removes in this order leaves whole folders, wherever it is interrupted. */
  async foldersFirst(digests: readonly Digest[]): Promise<Digest[][]> {
    const heights = new Map<Digest, number>();
    const heightOf = async (tree: Digest): Promise<number> => {
      const known = heights.get(tree);
      if (known !== undefined) return known;
      let height = 1;
      for (const { kind, digest } of await this.list(tree))
        if (kind === 'directory') height = Math.max(height, 1 + (await heightOf(digest)));
      heights.set(tree, height);
      return height;
    };
    for (const tree of await this.among(digests)) await heightOf(tree);
    const levels: Digest[][] = [];
    for (const digest of digests) (levels[heights.get(digest) ?? 0] ??= []).push(digest);
    return Array.from(levels, (level: Digest[] | undefined) => level ?? []).reverse();
  }
}
