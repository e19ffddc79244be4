import { randomUUID } from 'node:crypto';
import { chmod, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Digest } from '../contract';
import type { BlobFiles } from './blob-files';
import { forEachBounded, inBatches } from './bounded';
import { atPlace, missing, placeFailure, refused } from './failures';
import { inThread } from './file-threads';
import { DAMAGED } from './threads/place-files';
import type { Placement } from './threads/place-files';
import type { ListingEntry } from './tree-listing';

/** Files that a thread places at a time. */
const FILES_OF_A_THREAD = 500;
const ORDERS_AT_ONCE = 16;
const WRITE_FAILED = 'A tree of the store could not be written to its folder.';
/** A member of the tree and the absolute path that it goes to. */
interface Member {
  readonly digest: Digest;
  readonly executable: boolean;
  readonly size: number | null;
  readonly target: string;
}

/** Writes a tree into an absent or empty folder; a failure leaves the folder empty. */
export async function materialiseTree(
  blobs: BlobFiles,
  list: (tree: Digest) => Promise<readonly ListingEntry[]>,
  tree: Digest,
  target: string,
  how: Placement,
): Promise<void> {
  await atPlace(WRITE_FAILED, async () => {
    await mkdir(target, { recursive: true });
    if ((await readdir(target)).length > 0)
      throw refused('A tree cannot be written.', 'a folder with files in it', 'Empty the target folder first.');
    try {
      const files: Member[] = [];
      await makeFolders(list, tree, target, files);
      await forEachBounded(inBatches(files, FILES_OF_A_THREAD), ORDERS_AT_ONCE, (some) => place(blobs, some, how));
    } catch (error) {
      for (const name of await readdir(target)) await rm(join(target, name), { recursive: true });
      throw error;
    }
  });
}

/** Writes one blob as a file in place of what is there, at once; makes the folders above it. */
export async function materialiseFile(blobs: BlobFiles, digest: Digest, target: string, how: Placement): Promise<void> {
  await atPlace('A file of the store could not be written to its folder.', async () => {
    await mkdir(dirname(target), { recursive: true });
    const path = join(dirname(target), `.${randomUUID()}`);
    try {
      await place(blobs, [{ digest, executable: false, size: null, target: path }], how);
      await rename(path, target);
    } finally {
      // Also after a rename: between two links to one file it does nothing.
      await rm(path, { force: true });
    }
  });
}

async function makeFolders(
  list: (tree: Digest) => Promise<readonly ListingEntry[]>,
  tree: Digest,
  target: string,
  files: Member[],
): Promise<void> {
  await chmod(target, 0o755);
  for (const entry of await list(tree)) {
    const path = join(target, entry.name);
    if (entry.kind === 'file') {
      files.push({ digest: entry.digest, executable: entry.executable, size: entry.size, target: path });
      continue;
    }
    await mkdir(path);
    await makeFolders(list, entry.digest, path, files);
  }
}

async function place(blobs: BlobFiles, members: readonly Member[], how: Placement): Promise<void> {
  const files = members.map(({ digest, ...file }) => ({ ...file, source: blobs.path(digest) }));
  const failure = await inThread('placeFiles', { files, how });
  if (failure === null) return;
  const digest = members[failure.at]?.digest;
  if (failure.code === DAMAGED && digest !== undefined) await blobs.refuseDamaged(digest);
  if (failure.code === 'ENOENT' && digest !== undefined && !(await blobs.has(digest))) throw missing(digest);
  throw placeFailure(WRITE_FAILED, failure.code);
}
