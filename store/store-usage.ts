import { statfs } from 'node:fs/promises';
import { BlobFiles } from './blob-files';
import { atPlace } from './failures';
import { Holdings } from './holdings';
import { readContents, total } from './store-contents';
import type { FilesAndBytes, StoreContents } from './store-contents';
import { readingOf, StoredTrees } from './stored-trees';
import type { BlobReading } from './stored-trees';

export interface StoreUsage {
  readonly blobs: FilesAndBytes;
  /** Of the blobs, what some result or record reaches. */
  readonly reached: FilesAndBytes;
  readonly results: number;
  readonly records: number;
  /** On their way in, or left there. */
  readonly incoming: FilesAndBytes;
  readonly quarantined: FilesAndBytes;
  readonly seenFolders: FilesAndBytes;
  /** Of the file system that the store is on; null for a bucket. */
  readonly freeBytes: number | null;
}

/** What a store in a directory takes and for what. */
export async function storeUsage(directory: string): Promise<StoreUsage> {
  const usage = await usageOf(await readContents(directory), readingOf(new BlobFiles(directory)));
  const { bavail, bsize } = await atPlace('The store cannot be looked at.', () => statfs(directory));
  return { ...usage, freeBytes: bavail * bsize };
}

/** The same of what lies in any place. */
export async function usageOf(contents: StoreContents, reading: BlobReading): Promise<StoreUsage> {
  const holdings = new Holdings(contents.blobs, new StoredTrees(contents.blobs, reading));
  await holdings.hold(contents.keepers.flatMap(({ digests }) => digests));
  return {
    blobs: total(contents.blobs.values()),
    reached: { files: holdings.count, bytes: holdings.bytes },
    results: contents.keepers.filter(({ kind }) => kind === 'result').length,
    records: contents.keepers.filter(({ kind }) => kind === 'record').length,
    incoming: total([...contents.incoming, ...contents.downloads]),
    quarantined: total(contents.quarantined),
    seenFolders: total(contents.seenFolders),
    freeBytes: null,
  };
}
