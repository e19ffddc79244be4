import { readdir, realpath } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Readable } from 'node:stream';
import { MedperfError } from '../contract';
import type { ActionResult, BlobRef, Digest, TreeRef } from '../contract';
import { inBatch } from './blob-batch';
import { BlobFiles, hexOf } from './blob-files';
import { atPlace, atSource, errorCode, quoted, refused } from './failures';
import { isWhole } from './is-whole';
import { readHostSpace } from './host-space';
import { readJson, writeJson } from './json-files';
import { useFile } from './last-use';
import { materialiseFile, materialiseTree } from './materialise';
import type { ByteRange, ContentBatch, PartialBlob, PutTreeOptions, Store, TreeEntry } from './store';
import { asActionResult, decodedName, encodedName } from './record-forms';
import { SpaceAdmission } from './space-admission';
import type { SpaceWaiting } from './space-admission';
import { StatCache } from './stat-cache';
import { TreeIngest } from './tree-ingest';
import { decodeListing, encodeListing, isEntryName, MAX_LISTING_BYTES, totals } from './tree-listing';
import type { ListingEntry } from './tree-listing';

const READ_BYTES = 16 * 1024 * 1024;
/** The store in a directory of a file system that all its processes share; `docs/store.md` describes the layout. */
export class FileStore implements Store {
  readonly space: SpaceAdmission;
  private readonly blobs: BlobFiles;
  private readonly trees: TreeIngest;

  constructor(private readonly directory: string) {
    this.space = new SpaceAdmission('the store', () => readHostSpace(directory));
    this.blobs = new BlobFiles(directory);
    this.trees = new TreeIngest(this.blobs, new StatCache(join(directory, 'stat-cache')));
  }

  has(wanted: Digest): Promise<boolean> {
    return this.blobs.has(wanted);
  }

  sizeOf(wanted: Digest): Promise<number | null> {
    return this.blobs.sizeOf(wanted);
  }

  putBytes(bytes: Uint8Array | string): Promise<BlobRef> {
    return this.blobs.putBytes(typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
  }

  async putFile(path: string, signal?: AbortSignal): Promise<BlobRef> {
    const name = basename(path);
    const source = await atSource(name, () => realpath(path));
    const { digest: found, size } = await this.blobs.putFile(source, name, { signal });
    return { digest: found, size };
  }

  putStream(
    stream: AsyncIterable<Uint8Array>,
    options: { maxBytes?: number; signal?: AbortSignal } = {},
  ): Promise<BlobRef> {
    const { maxBytes = Infinity, signal } = options;
    let size = 0;
    const onBytes = (count: number) => {
      size += count;
      if (size > maxBytes)
        throw refused(
          'The content is larger than allowed.',
          'more than that',
          'Use a smaller file.',
          `at most ${maxBytes} bytes`,
        );
    };
    return this.blobs.putChunks(stream, { onBytes, signal });
  }

  /** Those of the blobs that are not here; the others count as used now. */
  async absent(blobs: readonly BlobRef[]): Promise<BlobRef[]> {
    const present = await this.blobs.arePresent(blobs);
    return blobs.filter((_blob, at) => present[at] !== true);
  }

  openPartial(name: string): Promise<PartialBlob> {
    return this.blobs.partial.open(name);
  }

  putBatch<T>(put: (batch: ContentBatch) => Promise<T>): Promise<T> {
    return inBatch(this.blobs.folder, put);
  }

  putTree(directory: string, options: PutTreeOptions): Promise<TreeRef> {
    return this.trees.put(directory, options);
  }

  async composeTree(entries: Readonly<Record<string, TreeEntry>>): Promise<TreeRef> {
    const listed: ListingEntry[] = [];
    for (const [name, entry] of Object.entries(entries)) {
      if (!isEntryName(name))
        throw refused('A tree cannot be made.', `the member name ${quoted(name)}`, 'Use a plain file name.');
      listed.push(
        entry.kind === 'file' ? { ...entry, name } : { ...entry, name, ...totals(await this.list(entry.digest)) },
      );
    }
    const { digest: tree } = await this.putBytes(encodeListing(listed));
    return { digest: tree, ...totals(listed) };
  }

  openRead(wanted: Digest, range?: ByteRange): Promise<Readable> {
    return this.blobs.openRead(wanted, range);
  }

  readMany(wanted: readonly BlobRef[]): Promise<Uint8Array[]> {
    return this.blobs.readMany(wanted);
  }

  readBytes(wanted: Digest, maxBytes = READ_BYTES): Promise<Buffer> {
    return this.blobs.readBytes(wanted, maxBytes);
  }

  check(wanted: Digest, { signal }: SpaceWaiting = {}): Promise<void> {
    return this.blobs.check(wanted, signal);
  }

  isWhole(wanted: Digest): Promise<boolean> {
    return isWhole(this.blobs, (tree) => this.list(tree), wanted);
  }

  /** The record has no prototype, so that a member named `constructor` is there only when it is there. */
  async listDirectory(tree: Digest): Promise<Readonly<Record<string, TreeEntry>>> {
    const members = Object.create(null) as Record<string, TreeEntry>;
    for (const entry of await this.list(tree)) members[entry.name] = asTreeEntry(entry);
    return members;
  }

  async lookUp(tree: Digest, path: string): Promise<TreeEntry | null> {
    let found: TreeEntry = { kind: 'directory', digest: tree };
    for (const part of path === '' ? [] : path.split('/')) {
      if (found.kind === 'file') return null;
      const entry = (await this.list(found.digest)).find(({ name }) => name === part);
      if (entry === undefined) return null;
      found = asTreeEntry(entry);
    }
    return found;
  }

  materialise(tree: Digest, target: string, how: 'link' | 'copy'): Promise<void> {
    return materialiseTree(this.blobs, (directory) => this.list(directory), tree, target, how);
  }

  materialiseFile(blob: Digest, target: string, how: 'link' | 'copy'): Promise<void> {
    return materialiseFile(this.blobs, blob, target, how);
  }

  /** A result that cannot be read counts as none: the action runs again and replaces it. */
  async findActionResult(key: Digest): Promise<ActionResult | null> {
    const value = await atPlace('The store could not read an action result.', () =>
      readUsed(this.actionPath(key)),
    ).catch((error: unknown) => {
      if (error instanceof SyntaxError) return null;
      throw error;
    });
    return asActionResult(value, key);
  }

  recordActionResult(result: ActionResult): Promise<void> {
    return atPlace('The store could not write an action result.', () => writeJson(this.actionPath(result.key), result));
  }

  async readRecord(name: string): Promise<unknown> {
    try {
      return await atPlace(`The store could not read the record ${quoted(name)}.`, () =>
        readUsed(this.recordPath(name)),
      );
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw new MedperfError('StoreUnavailable', {
        what: `The record ${quoted(name)} is damaged in the store.`,
        found: 'text that is not JSON',
        next: 'Check the disk and remove the record; it is written again when it is next needed.',
      });
    }
  }

  async writeRecord(name: string, value: unknown): Promise<void> {
    await atPlace(`The store could not write the record ${quoted(name)}.`, () =>
      writeJson(this.recordPath(name), value),
    );
  }

  async listRecords(prefix: string): Promise<string[]> {
    const files = await atPlace('The store could not list its records.', () =>
      filesIn(join(this.directory, 'records')),
    );
    return files
      .flatMap((file) => decodedName(file) ?? [])
      .filter((name) => name.startsWith(prefix))
      .sort();
  }

  private async list(tree: Digest): Promise<readonly ListingEntry[]> {
    return decodeListing(await this.blobs.readBytes(tree, MAX_LISTING_BYTES), tree);
  }

  private actionPath(key: Digest): string {
    return join(this.directory, 'actions', `${hexOf(key)}.json`);
  }

  private recordPath(name: string): string {
    return join(this.directory, 'records', `${encodedName(name)}.json`);
  }
}

/** Reads what counts as used now; what is about to be cleaned up is none. */
async function readUsed(path: string): Promise<unknown> {
  return (await useFile(path)) === null ? null : readJson(path);
}

async function filesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

function asTreeEntry(entry: ListingEntry): TreeEntry {
  return entry.kind === 'file'
    ? { kind: 'file', digest: entry.digest, size: entry.size, executable: entry.executable }
    : { kind: 'directory', digest: entry.digest };
}
