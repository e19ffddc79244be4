import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { isDigest } from '../contract';
import type { Digest, TreeRef } from '../contract';
import { errorCode } from './failures';
import { STAT_NUMBERS } from './threads/scan-folders';
import type { ScannedFile } from './tree-scan';

/** A file system's clock may tick this slowly: what changed so shortly before the look could change again unseen. */
const SETTLED_MS = 2_000;
const DIGEST_BYTES = 32;
const STAT_BYTES = STAT_NUMBERS * 8;

/** The files of a folder and what is known of each; `paths` names its sub-folders as well. */
export interface FolderState {
  readonly paths: string;
  readonly files: readonly SeenFile[];
}

/** What is remembered of a file that was looked at. */
export type SeenFile = Pick<ScannedFile, 'path' | 'statNumber'>;

export interface KnownFile {
  readonly digest: Digest;
  readonly executable: boolean;
}

const header = z.object({
  version: z.literal(1),
  generation: z.string(),
  tree: z.object({ digest: z.custom<Digest>(isDigest), size: z.number(), files: z.number() }),
  files: z.int(),
  pathBytes: z.int(),
});

/**
 * What was seen of people's folders: device, inode, size, mtime and ctime of each file and the digest that it had. One
 * file a folder; losing it costs a reading of the folder and nothing else.
 */
export class StatCache {
  /** @param folder Where the cache keeps its files. */
  constructor(private readonly folder: string) {}

  /** What is known of a folder, by its real path; null when there is nothing, or nothing sound. */
  async load(directory: string): Promise<KnownFolder | null> {
    try {
      return decode(await readFile(this.path(directory)));
    } catch (error) {
      if (errorCode(error) === null) throw error;
      return null;
    }
  }

  /**
   * @param lookedAt When the files were looked at, in milliseconds since 1970, before any was read.
   * @param generation Of the store's contents, see `FileStore`.
   */
  async save(
    directory: string,
    state: FolderState,
    known: readonly KnownFile[],
    { lookedAt, tree, generation }: { lookedAt: number; tree: TreeRef; generation: string },
  ): Promise<void> {
    const path = this.path(directory);
    const incoming = `${path}.${randomUUID()}`;
    await mkdir(dirname(path), { recursive: true });
    try {
      await writeFile(incoming, encode(state, known, lookedAt, tree, generation));
      await rename(incoming, path);
    } finally {
      await rm(incoming, { force: true });
    }
  }

  private path(directory: string): string {
    return join(this.folder, createHash('sha256').update(directory).digest('hex'));
  }
}

/** What was seen of a folder the last time. */
export class KnownFolder {
  private indexes: ReadonlyMap<string, number> | undefined;

  constructor(
    readonly tree: TreeRef,
    readonly generation: string,
    private readonly paths: string,
    private readonly stats: Buffer,
    private readonly executables: Buffer,
    private readonly digests: Buffer,
  ) {}

  /** True when nothing in the whole folder changed. */
  isSame({ paths, files }: FolderState): boolean {
    return paths === this.paths && files.every((file, at) => this.isUnchanged(file, at));
  }

  lookUp(file: SeenFile): KnownFile | null {
    this.indexes ??= new Map(this.paths.split('\0').map((path, at) => [path, at]));
    const at = this.indexes.get(file.path);
    if (at === undefined || !this.isUnchanged(file, at)) return null;
    const digest = this.digests.subarray(at * DIGEST_BYTES, (at + 1) * DIGEST_BYTES);
    return { digest: `sha256:${digest.toString('hex')}`, executable: this.executables[at] === 1 };
  }

  private isUnchanged(file: SeenFile, at: number): boolean {
    for (let number = 0; number < STAT_NUMBERS; number += 1)
      if (this.stats.readDoubleLE(at * STAT_BYTES + number * 8) !== file.statNumber(number)) return false;
    return true;
  }
}

function encode(
  { paths, files }: FolderState,
  known: readonly KnownFile[],
  lookedAt: number,
  tree: TreeRef,
  generation: string,
): Buffer {
  const head = { version: 1, generation, tree, files: files.length, pathBytes: Buffer.byteLength(paths) };
  const before = Buffer.from(`${JSON.stringify(head)}\n`);
  const each = STAT_BYTES + 1 + DIGEST_BYTES;
  const bytes = Buffer.alloc(before.length + head.pathBytes + files.length * each + DIGEST_BYTES);
  before.copy(bytes);
  bytes.write(paths, before.length);
  const stats = before.length + head.pathBytes;
  const executables = stats + files.length * STAT_BYTES;
  const digests = executables + files.length;
  for (const [at, file] of files.entries()) {
    const settled = Math.max(file.statNumber(3), file.statNumber(4)) < lookedAt - SETTLED_MS;
    // NaN equals nothing, so that this file is read again.
    for (let number = 0; number < STAT_NUMBERS; number += 1)
      bytes.writeDoubleLE(settled ? file.statNumber(number) : NaN, stats + at * STAT_BYTES + number * 8);
  }
  for (const [at, { executable, digest }] of known.entries()) {
    bytes[executables + at] = executable ? 1 : 0;
    bytes.write(digest.slice('sha256:'.length), digests + at * DIGEST_BYTES, 'hex');
  }
  const end = bytes.length - DIGEST_BYTES;
  createHash('sha256').update(bytes.subarray(0, end)).digest().copy(bytes, end);
  return bytes;
}

function decode(bytes: Buffer): KnownFolder | null {
  const body = bytes.subarray(0, -DIGEST_BYTES);
  if (!createHash('sha256').update(body).digest().equals(bytes.subarray(-DIGEST_BYTES))) return null;
  const lineEnd = body.indexOf('\n');
  const parsed = header.safeParse(JSON.parse(body.subarray(0, lineEnd).toString()));
  if (!parsed.success) return null;
  const { tree, generation, files, pathBytes } = parsed.data;
  let from = lineEnd + 1;
  const take = (length: number): Buffer => body.subarray(from, (from += length));
  const paths = take(pathBytes).toString();
  return new KnownFolder(tree, generation, paths, take(files * STAT_BYTES), take(files), take(files * DIGEST_BYTES));
}
