import { lstatSync, readdirSync } from 'node:fs';
import type { Stats } from 'node:fs';

/** What {@link scanFolders} tells of a member's kind. */
export const MEMBER = { file: 0, directory: 1, link: 2, other: 3, badName: 4 } as const;

/** Numbers of {@link FolderScan.stats} for each member: enough to see that a file is the one it was. */
export const STAT_NUMBERS = 5;

/** The members of one folder, sorted by name (UTF-16 code units). */
export interface FolderScan {
  readonly names: readonly string[];
  /** Values of {@link MEMBER}. */
  readonly kinds: Uint8Array;
  /** {@link STAT_NUMBERS} for each member: device, inode, size in bytes, mtime and ctime in milliseconds. */
  readonly stats: Float64Array;
}

/**
 * Reads folders and what the file system says of their members. At most `maxMembers` + 1 are looked at, so that a folder
 * of millions is refused soon.
 */
export function scanFolders({
  folders,
  maxMembers,
}: {
  readonly folders: readonly string[];
  readonly maxMembers: number;
}): (FolderScan | { readonly code: string })[] {
  return folders.map((folder) => {
    try {
      return scanFolder(folder, maxMembers);
    } catch (error) {
      return { code: (error as NodeJS.ErrnoException).code ?? 'UNKNOWN' };
    }
  });
}

function scanFolder(folder: string, maxMembers: number): FolderScan {
  const names = readdirSync(folder)
    .sort()
    .slice(0, maxMembers + 1);
  const damaged = names.some(hasReplacement) ? damagedNames(folder) : null;
  const kinds = new Uint8Array(names.length);
  const stats = new Float64Array(names.length * STAT_NUMBERS);
  for (const [at, name] of names.entries()) {
    if (damaged?.has(name) === true) {
      kinds[at] = MEMBER.badName;
      continue;
    }
    const found = lstatSync(`${folder}/${name}`);
    kinds[at] = kindOf(found);
    stats.set(statNumbers(found), at * STAT_NUMBERS);
  }
  return { names, kinds, stats };
}

/** The same numbers for a file that is looked at alone. */
export function statNumbers({ dev, ino, size, mtimeMs, ctimeMs }: Stats): number[] {
  return [dev, ino, size, mtimeMs, ctimeMs];
}

function kindOf(found: Stats): number {
  if (found.isFile()) return MEMBER.file;
  if (found.isDirectory()) return MEMBER.directory;
  return found.isSymbolicLink() ? MEMBER.link : MEMBER.other;
}

function hasReplacement(name: string): boolean {
  return name.includes('\uFFFD');
}

/** Names whose bytes are not UTF-8, as they look once decoded; U+FFFD itself may stand in a name. */
function damagedNames(folder: string): ReadonlySet<string> {
  const names = readdirSync(folder, { encoding: 'buffer' });
  return new Set(names.filter((bytes) => !Buffer.from(bytes.toString()).equals(bytes)).map(String));
}
