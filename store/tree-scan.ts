import type { Stats } from 'node:fs';
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { MedperfError } from '../contract';
import { notRegular } from './blob-files';
import { atSource, quoted, refused } from './failures';
import type { PutTreeOptions } from './store';
import { isEntryName } from './tree-listing';

export interface ScannedFile {
  readonly kind: 'file';
  readonly name: string;
  /** Relative to the tree's root, `/`-separated. */
  readonly path: string;
  /** The file itself, links followed. */
  readonly source: string;
}

export interface ScannedDirectory {
  readonly kind: 'directory';
  readonly name: string;
  readonly members: readonly (ScannedFile | ScannedDirectory)[];
}

/** Counts what goes into a tree; throws `InvalidRequest` at the first member or byte too many. */
export class TreeBudget {
  private members = 0;
  private bytes = 0;

  constructor(private readonly limits: Pick<PutTreeOptions, 'maxBytes' | 'maxFiles'>) {}

  readonly takeMember = (): void => {
    this.members += 1;
    const { maxFiles = Infinity } = this.limits;
    if (this.members > maxFiles) throw tooMuch(`at most ${maxFiles} files and folders`);
  };

  readonly takeBytes = (count: number): void => {
    this.bytes += count;
    const { maxBytes = Infinity } = this.limits;
    if (this.bytes > maxBytes) throw tooMuch(`at most ${maxBytes} bytes`);
  };
}

/** Walks a folder without opening its files and applies the rules on links, names and kinds of {@link PutTreeOptions}. */
export async function scanTree(directory: string, options: PutTreeOptions): Promise<ScannedDirectory> {
  const root = await atSource('the folder', () => realpath(directory));
  return new Scan(root, options).directory('', '');
}

class Scan {
  private readonly members: TreeBudget;
  /** A first look at the sizes, so that a sparse giant is refused before it is read. */
  private readonly sizes: TreeBudget;

  constructor(
    private readonly root: string,
    private readonly options: PutTreeOptions,
  ) {
    this.members = new TreeBudget(options);
    this.sizes = new TreeBudget(options);
  }

  async directory(name: string, path: string): Promise<ScannedDirectory> {
    const members: (ScannedFile | ScannedDirectory)[] = [];
    const names = await atSource(path || 'the folder', () => readdir(join(this.root, path), { encoding: 'buffer' }));
    for (const bytes of names) {
      const own = bytes.toString();
      const below = path === '' ? own : `${path}/${own}`;
      if (this.options.exclude?.(below)) continue;
      if (!isEntryName(own) || !Buffer.from(own).equals(bytes)) throw badName(below);
      this.options.signal?.throwIfAborted();
      this.members.takeMember();
      members.push(await this.member(own, below));
    }
    return { kind: 'directory', name, members };
  }

  private async member(name: string, path: string): Promise<ScannedFile | ScannedDirectory> {
    const source = join(this.root, path);
    const found = await atSource(path, () => lstat(source));
    if (found.isDirectory()) return this.directory(name, path);
    if (found.isSymbolicLink()) return this.linked(name, path);
    return this.file(name, path, source, found);
  }

  private async linked(name: string, path: string): Promise<ScannedFile> {
    if (this.options.links === 'refuse')
      throw badLink(path, 'a symbolic link', 'Write the file itself instead of a link.');
    const source = await atSource(path, () => realpath(join(this.root, path)));
    const inside = relative(this.root, source);
    if (inside === '..' || inside.startsWith(`..${sep}`))
      throw badLink(path, 'a link that leads out of the folder', 'Put a copy of the file in place of the link.');
    const found = await atSource(path, () => stat(source));
    if (found.isDirectory())
      throw badLink(path, 'a link to a folder', 'Put a copy of the folder in place of the link.');
    return this.file(name, path, source, found);
  }

  private file(name: string, path: string, source: string, found: Stats): ScannedFile {
    if (!found.isFile()) throw notRegular(path);
    this.sizes.takeBytes(found.size);
    return { kind: 'file', name, path, source };
  }
}

function badLink(path: string, found: string, next: string): MedperfError {
  return refused(`${quoted(path)} cannot be stored.`, found, next);
}

function badName(path: string): MedperfError {
  return refused(`${quoted(path)} cannot be stored.`, 'a name that is not valid UTF-8', 'Rename it.');
}

function tooMuch(limit: string): MedperfError {
  return refused('The folder is larger than allowed.', 'more than that', 'Remove what is not needed.', limit);
}
