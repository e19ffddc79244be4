import type { Stats } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { MedperfError } from '../contract';
import { notRegular } from './blob-files';
import { inBatches } from './bounded';
import { atSource, quoted, refused, sourceFailure } from './failures';
import { inThread } from './file-threads';
import type { PutTreeOptions } from './store';
import { MEMBER, STAT_NUMBERS, statNumbers } from './threads/scan-folders';
import type { FolderScan } from './threads/scan-folders';
import { isEntryName } from './tree-listing';

/** Folders that one thread reads at a time. */
const FOLDERS_AT_ONCE = 32;

/** A regular file, or what a link leads to. There may be a million at once, so that each keeps little and makes the rest when asked. */
export class ScannedFile {
  constructor(
    private readonly directory: ScannedDirectory,
    readonly name: string,
    /** As in `FolderScan`. */
    private readonly stats: Float64Array,
    private readonly at: number,
    private readonly linked: string | null,
  ) {}

  /** Relative to the tree's root, `/`-separated. */
  get path(): string {
    return pathBelow(this.directory, this.name);
  }

  /** The file itself, links followed. */
  get source(): string {
    return this.linked ?? `${this.directory.source}/${this.name}`;
  }

  get size(): number {
    return this.statNumber(2);
  }

  /** Device, inode, size, mtime and ctime, by their place in `FolderScan.stats`. */
  statNumber(number: number): number {
    return this.stats[this.at * STAT_NUMBERS + number] ?? NaN;
  }
}

export interface ScannedDirectory {
  readonly name: string;
  /** Relative to the tree's root; `''` is the root. */
  readonly path: string;
  /** The folder itself. */
  readonly source: string;
  readonly files: ScannedFile[];
  readonly directories: ScannedDirectory[];
}

/** Counts what goes into a tree; throws `InvalidRequest` at the first member or byte too many. */
export class TreeBudget {
  private members = 0;
  private bytes = 0;

  constructor(private readonly limits: Pick<PutTreeOptions, 'maxBytes' | 'maxFiles'>) {}

  takeMember(): void {
    this.members += 1;
    const { maxFiles = Infinity } = this.limits;
    if (this.members > maxFiles) throw tooMuch(`at most ${maxFiles} files and folders`);
  }

  takeBytes(count: number): void {
    this.bytes += count;
    const { maxBytes = Infinity } = this.limits;
    if (this.bytes > maxBytes) throw tooMuch(`at most ${maxBytes} bytes`);
  }
}

/** Walks a folder without opening its files and applies the rules on links, names and kinds of {@link PutTreeOptions}. */
export async function scanTree(directory: string, options: PutTreeOptions): Promise<ScannedDirectory> {
  const root = await atSource('the folder', () => realpath(directory));
  return new Scan(root, options).tree();
}

class Scan {
  /** Also of bytes, so that a sparse giant is refused before it is read. */
  private readonly budget: TreeBudget;

  constructor(
    private readonly root: string,
    private readonly options: PutTreeOptions,
  ) {
    this.budget = new TreeBudget(options);
  }

  async tree(): Promise<ScannedDirectory> {
    const root: ScannedDirectory = { name: '', path: '', source: this.root, files: [], directories: [] };
    for (let level = [root]; level.length > 0; level = level.flatMap(({ directories }) => directories)) {
      const batches = inBatches(level, FOLDERS_AT_ONCE);
      await Promise.all(batches.map((batch) => this.scan(batch)));
    }
    return root;
  }

  private async scan(directories: readonly ScannedDirectory[]): Promise<void> {
    const { maxFiles = Infinity, exclude, signal } = this.options;
    const folders = directories.map(({ source }) => source);
    // What is excluded does not count, so there nothing may be cut off.
    const maxMembers = exclude === undefined ? maxFiles : Infinity;
    const scans = await inThread('scanFolders', { folders, maxMembers }, signal);
    for (const [at, found] of scans.entries()) {
      const directory = directories[at];
      if (directory === undefined) continue;
      if ('code' in found) throw sourceFailure(directory.path || 'the folder', found.code);
      await this.addMembers(directory, found);
    }
  }

  private async addMembers(directory: ScannedDirectory, { names, kinds, stats }: FolderScan): Promise<void> {
    for (const [at, name] of names.entries()) {
      const path = pathBelow(directory, name);
      if (this.options.exclude?.(path) === true) continue;
      if (kinds[at] === MEMBER.badName || !isEntryName(name)) throw badName(path);
      this.budget.takeMember();
      const source = `${directory.source}/${name}`;
      if (kinds[at] === MEMBER.directory)
        directory.directories.push({ name, path, source, files: [], directories: [] });
      else if (kinds[at] === MEMBER.file) this.addFile(directory, new ScannedFile(directory, name, stats, at, null));
      else if (kinds[at] === MEMBER.link) this.addFile(directory, await this.linked(directory, name, path));
      else throw notRegular(path);
    }
  }

  private addFile(directory: ScannedDirectory, file: ScannedFile): void {
    this.budget.takeBytes(file.size);
    directory.files.push(file);
  }

  private async linked(directory: ScannedDirectory, name: string, path: string): Promise<ScannedFile> {
    if (this.options.links === 'refuse')
      throw badLink(path, 'a symbolic link', 'Write the file itself instead of a link.');
    const source = await atSource(path, () => realpath(join(this.root, path)));
    const inside = relative(this.root, source);
    if (inside === '..' || inside.startsWith(`..${sep}`))
      throw badLink(path, 'a link that leads out of the folder', 'Put a copy of the file in place of the link.');
    const found: Stats = await atSource(path, () => stat(source));
    if (found.isDirectory())
      throw badLink(path, 'a link to a folder', 'Put a copy of the folder in place of the link.');
    if (!found.isFile()) throw notRegular(path);
    return new ScannedFile(directory, name, Float64Array.from(statNumbers(found)), 0, source);
  }
}

function pathBelow({ path }: ScannedDirectory, name: string): string {
  return path === '' ? name : `${path}/${name}`;
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
