import { forEachBounded } from './bounded';
import type { TreeRef } from '../contract';
import type { BlobFiles } from './blob-files';
import type { PutTreeOptions } from './store';
import { encodeListing, totals } from './tree-listing';
import type { ListingEntry } from './tree-listing';
import { scanTree, TreeBudget } from './tree-scan';
import type { ScannedDirectory, ScannedFile } from './tree-scan';

/** Files of one tree that are copied at a time. */
const FILES_AT_ONCE = 8;

/** Copies a folder's files and then its listings, innermost first. */
export async function ingestTree(blobs: BlobFiles, directory: string, options: PutTreeOptions): Promise<TreeRef> {
  const root = await scanTree(directory, options);
  // The bytes are counted again while copying: a file may have grown since.
  const { takeBytes } = new TreeBudget(options);
  const stored = new Map<ScannedFile, ListingEntry>();
  await forEachBounded([...filesOf(root)], FILES_AT_ONCE, async (file) => {
    const blob = await blobs.putFile(file.source, file.path, { onBytes: takeBytes, signal: options.signal });
    stored.set(file, { kind: 'file', name: file.name, ...blob });
  });
  return putDirectory(blobs, root, stored);
}

/** Puts the listing of a directory whose members are in the store. */
export async function putListing(blobs: BlobFiles, entries: readonly ListingEntry[]): Promise<TreeRef> {
  const { digest } = await blobs.putBytes(Buffer.from(encodeListing(entries)));
  return { digest, ...totals(entries) };
}

async function putDirectory(
  blobs: BlobFiles,
  directory: ScannedDirectory,
  stored: ReadonlyMap<ScannedFile, ListingEntry>,
): Promise<TreeRef> {
  const entries: ListingEntry[] = [];
  for (const member of directory.members) {
    if (member.kind === 'directory') {
      const tree = await putDirectory(blobs, member, stored);
      entries.push({ kind: 'directory', name: member.name, ...tree });
      continue;
    }
    const file = stored.get(member);
    if (file !== undefined) entries.push(file);
  }
  return putListing(blobs, entries);
}

function* filesOf(directory: ScannedDirectory): Generator<ScannedFile> {
  for (const member of directory.members) {
    if (member.kind === 'file') yield member;
    else yield* filesOf(member);
  }
}
