import { statfs } from 'node:fs/promises';
import { BlobFiles } from './blob-files';
import { atPlace } from './failures';
import { Holdings } from './holdings';
import { readContents, total } from './store-contents';
import type { FilesAndBytes } from './store-contents';
import { StoredTrees } from './stored-trees';

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
  /** Of the file system that the store is on. */
  readonly freeBytes: number;
}

/** What a store takes and for what. */
export async function storeUsage(directory: string): Promise<StoreUsage> {
  const contents = await readContents(directory);
  const holdings = new Holdings(contents.blobs, new StoredTrees(contents.blobs, new BlobFiles(directory)));
  await holdings.hold(contents.keepers.flatMap(({ digests }) => digests));
  const { bavail, bsize } = await atPlace('The store cannot be looked at.', () => statfs(directory));
  return {
    blobs: total(contents.blobs.values()),
    reached: { files: holdings.count, bytes: holdings.bytes },
    results: contents.keepers.filter(({ kind }) => kind === 'result').length,
    records: contents.keepers.filter(({ kind }) => kind === 'record').length,
    incoming: total([...contents.incoming, ...contents.downloads]),
    quarantined: total(contents.quarantined),
    seenFolders: total(contents.seenFolders),
    freeBytes: bavail * bsize,
  };
}
