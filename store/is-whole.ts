import type { BlobRef, Digest } from '../contract';
import type { BlobFiles } from './blob-files';
import { ContentFailure } from './failures';
import { inThread } from './file-threads';
import { LISTING_BEGINS } from './tree-listing';
import type { ListingEntry } from './tree-listing';

/** What `Store.isWhole` answers. A digest does not say whether it is a tree's: what does not look like one is hashed. */
export async function isWhole(
  blobs: BlobFiles,
  list: (tree: Digest) => Promise<readonly ListingEntry[]>,
  wanted: Digest,
): Promise<boolean> {
  try {
    const [isTree] = await inThread('beginWith', { paths: [blobs.path(wanted)], text: LISTING_BEGINS });
    if (isTree !== true) {
      await blobs.check(wanted);
      return true;
    }
    return (await blobs.arePresent(await filesBelow(list, wanted))).every(Boolean);
  } catch (error) {
    if (error instanceof ContentFailure) return false;
    throw error;
  }
}

async function filesBelow(
  list: (tree: Digest) => Promise<readonly ListingEntry[]>,
  root: Digest,
): Promise<readonly BlobRef[]> {
  const files: BlobRef[] = [];
  const folders = [root];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop())
    for (const entry of await list(folder)) {
      if (entry.kind === 'directory') folders.push(entry.digest);
      else files.push(entry);
    }
  return files;
}
