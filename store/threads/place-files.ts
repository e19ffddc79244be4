import { chmodSync, constants, copyFileSync, linkSync, renameSync } from 'node:fs';
import { useFileSync } from '../last-use';
import type { IngestOrder } from './ingest-files';

/** A blob and the absolute path that it goes to. */
export interface PlacedFile {
  readonly source: string;
  readonly target: string;
  readonly executable: boolean;
  /** Bytes that it must have, where that is known. */
  readonly size: number | null;
}

/** In place of a system error's code: the blob has another size than it must. */
export const DAMAGED = 'DAMAGED';

/** `link` hard-links blobs (0444; executable files are copied, 0555); `copy` gives files that people may edit. */
export type Placement = 'link' | 'copy';

/** Why a hard link may be impossible where a copy is not: too many links, another disk, a protected or simple file system. */
const COPY_INSTEAD: readonly string[] = ['EMLINK', 'EXDEV', 'EPERM', 'ENOTSUP'];

export interface FileFailure {
  readonly at: number;
  readonly code: string;
}

/** Writes blobs to their places, which must be free; the first failure ends it. */
export function placeFiles({
  files,
  how,
}: {
  readonly files: readonly PlacedFile[];
  readonly how: Placement;
}): FileFailure | null {
  return untilFailure(files, (file) => place(file, how));
}

/** Makes blobs visible that were written under their names with the order's suffix. */
export function renameBlobs({
  blobs,
  suffix,
  hexes,
}: IngestOrder & { readonly hexes: readonly string[] }): FileFailure | null {
  return untilFailure(hexes, (hex) => {
    const path = `${blobs}/${hex.slice(0, 2)}/${hex}`;
    renameSync(path + suffix, path);
  });
}

/** Which of the paths are files of that size; those count as used now. */
export function arePresent({ files }: { readonly files: readonly { path: string; size: number }[] }): boolean[] {
  return files.map(({ path, size }) => useFileSync(path) === size);
}

function place({ source, target, executable, size }: PlacedFile, how: Placement): void {
  if (size !== null) {
    const found = useFileSync(source);
    if (found !== size) throw Object.assign(new Error(), { code: found === null ? 'ENOENT' : DAMAGED });
  }
  // One inode has one mode, so only what keeps the blob's 0444 can share it.
  if (how === 'link' && !executable && tryLink(source, target)) return;
  copyFileSync(source, target, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
  chmodSync(target, (executable ? 0o555 : 0o444) | (how === 'copy' ? 0o200 : 0));
}

function tryLink(source: string, target: string): boolean {
  try {
    linkSync(source, target);
    return true;
  } catch (error) {
    if (COPY_INSTEAD.includes(codeOf(error))) return false;
    throw error;
  }
}

function untilFailure<T>(items: readonly T[], work: (item: T) => void): FileFailure | null {
  for (const [at, item] of items.entries()) {
    try {
      work(item);
    } catch (error) {
      return { at, code: codeOf(error) };
    }
  }
  return null;
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'UNKNOWN';
}
