import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, copyFile, link, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Digest } from '../contract';
import type { BlobFiles } from './blob-files';
import { missing } from './blob-files';
import { forEachBounded } from './bounded';
import { atPlace, errorCode, refused } from './failures';
import type { ListingEntry } from './tree-listing';

const FILES_AT_ONCE = 8;
const WRITE_FAILED = 'A tree of the store could not be written to its folder.';
/** Why a hard link may be impossible where a copy is not: too many links, another disk, a protected or simple file system. */
const COPY_INSTEAD: readonly (string | null)[] = ['EMLINK', 'EXDEV', 'EPERM', 'ENOTSUP'];

export type Placement = 'link' | 'copy';

/** A member of the tree and the absolute path that it goes to. */
interface PlacedFile {
  readonly digest: Digest;
  readonly executable: boolean;
  readonly path: string;
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
      const files: PlacedFile[] = [];
      await makeFolders(list, tree, target, files);
      await forEachBounded(files, FILES_AT_ONCE, (file) => place(blobs, file, how));
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
      await place(blobs, { digest, executable: false, path }, how);
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
  files: PlacedFile[],
): Promise<void> {
  await chmod(target, 0o755);
  for (const entry of await list(tree)) {
    const path = join(target, entry.name);
    if (entry.kind === 'file') {
      files.push({ digest: entry.digest, executable: entry.executable, path });
      continue;
    }
    await mkdir(path);
    await makeFolders(list, entry.digest, path, files);
  }
}

async function place(blobs: BlobFiles, file: PlacedFile, how: Placement): Promise<void> {
  const source = blobs.path(file.digest);
  try {
    // One inode has one mode, so only what keeps the blob's 0444 can share it.
    if (how === 'link' && !file.executable && (await tryLink(source, file.path))) return;
    await copyFile(source, file.path, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
  } catch (error) {
    throw errorCode(error) === 'ENOENT' && !(await blobs.has(file.digest)) ? missing(file.digest) : error;
  }
  const writable = how === 'copy' ? 0o200 : 0;
  await chmod(file.path, (file.executable ? 0o555 : 0o444) | writable);
}

async function tryLink(source: string, target: string): Promise<boolean> {
  try {
    await link(source, target);
    return true;
  } catch (error) {
    if (COPY_INSTEAD.includes(errorCode(error))) return false;
    throw error;
  }
}
