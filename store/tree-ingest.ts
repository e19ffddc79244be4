import { realpath } from 'node:fs/promises';
import { inBatch, WRITE_FAILED } from './blob-batch';
import type { BlobBatch } from './blob-batch';
import type { BlobFiles } from './blob-files';
import { notRegular } from './blob-files';
import { forEachBounded } from './bounded';
import type { TreeRef } from '../contract';
import { atSource, placeFailure, sourceFailure } from './failures';
import type { KnownFile, KnownFolder, StatCache } from './stat-cache';
import type { PutTreeOptions } from './store';
import type { IngestAnswer } from './threads/ingest-files';
import { WHOLE_FILE_BYTES } from './threads/ingest-files';
import { encodeListing, totals } from './tree-listing';
import type { ListingEntry } from './tree-listing';
import { scanTree, TreeBudget } from './tree-scan';
import type { ScannedDirectory, ScannedFile } from './tree-scan';

/** Small files that a thread copies at a time. */
const FILES_OF_A_THREAD = 256;
const BYTES_OF_A_THREAD = 16 * 1024 * 1024;
const ORDERS_AT_ONCE = 16;
const LARGE_FILES_AT_ONCE = 2;

/** What a folder's files became. */
type StoredFiles = Map<ScannedFile, KnownFile & { readonly size: number }>;

/** Copies folders into the store. */
export class TreeIngest {
  constructor(
    private readonly blobs: BlobFiles,
    private readonly statCache: StatCache,
  ) {}

  async put(directory: string, options: PutTreeOptions): Promise<TreeRef> {
    const root = await atSource('the folder', () => realpath(directory));
    const lookedAt = Date.now();
    const scanned = await scanTree(root, options);
    const state = stateOf(scanned);
    const known = options.remember === true ? await this.statCache.load(root) : null;
    const generation = await this.blobs.generation();
    if (known?.isSame(state) === true && (await this.isStillThere(known))) return known.tree;

    const stored: StoredFiles = new Map();
    if (known !== null) await this.reuse(known, state.files, stored);
    const tree = await this.copy(scanned, state.files, stored, options);
    if (options.remember === true) {
      const files = state.files.flatMap((file) => stored.get(file) ?? []);
      await this.statCache.save(root, state, files, { lookedAt, tree, generation });
    }
    return tree;
  }

  /** A clean-up that begins after the second look finds the tree in use; one that began before it is seen by it. */
  private async isStillThere({ tree, generation }: KnownFolder): Promise<boolean> {
    return (await this.blobs.has(tree.digest)) && (await this.blobs.generation()) === generation;
  }

  /** Takes what is known of unchanged files and is still there. */
  private async reuse(known: KnownFolder, files: readonly ScannedFile[], stored: StoredFiles): Promise<void> {
    const found = files.flatMap((file) => {
      const unchanged = known.lookUp(file);
      return unchanged === null ? [] : [{ file, unchanged }];
    });
    const present = await this.blobs.arePresent(
      found.map(({ file, unchanged }) => ({ ...unchanged, size: file.size })),
    );
    for (const [at, { file, unchanged }] of found.entries())
      if (present[at] === true) stored.set(file, { ...unchanged, size: file.size });
  }

  private copy(
    root: ScannedDirectory,
    files: readonly ScannedFile[],
    stored: StoredFiles,
    options: PutTreeOptions,
  ): Promise<TreeRef> {
    return inBatch(this.blobs.folder, async (batch) => {
      const missing = files.filter((file) => !stored.has(file));
      await this.copyFiles(batch, missing, stored, options);
      return putDirectory(batch, root, stored);
    });
  }

  private async copyFiles(
    batch: BlobBatch,
    files: readonly ScannedFile[],
    stored: StoredFiles,
    options: PutTreeOptions,
  ): Promise<void> {
    // The bytes are counted again while copying: a file may have grown since.
    const budget = new TreeBudget(options);
    const large = files.filter(({ size }) => size > WHOLE_FILE_BYTES);
    const orders = inOrders(files.filter(({ size }) => size <= WHOLE_FILE_BYTES));
    await forEachBounded(orders, ORDERS_AT_ONCE, async (some) => {
      const answers = await batch.ingestFiles(
        some.map(({ source }) => source),
        options.signal,
      );
      for (const [at, file] of some.entries()) {
        const answer = accepted(file, answers[at]);
        if (answer === 'large') {
          large.push(file);
          continue;
        }
        budget.takeBytes(answer.size);
        stored.set(file, { digest: `sha256:${answer.hex}`, size: answer.size, executable: answer.executable });
      }
    });
    await forEachBounded(large, LARGE_FILES_AT_ONCE, async (file) => {
      const onBytes = (count: number): void => budget.takeBytes(count);
      stored.set(file, await this.blobs.putFile(file.source, file.path, { onBytes, signal: options.signal }));
    });
  }
}

function accepted(
  file: ScannedFile,
  answer: IngestAnswer | undefined,
): Exclude<IngestAnswer, 'not-a-file' | { code: string }> {
  if (answer === undefined) throw new TypeError('a thread left a file out');
  if (answer === 'not-a-file') throw notRegular(file.path);
  if (answer === 'large' || 'hex' in answer) return answer;
  throw answer.at === 'source' ? sourceFailure(file.path, answer.code) : placeFailure(WRITE_FAILED, answer.code);
}

async function putDirectory(batch: BlobBatch, directory: ScannedDirectory, stored: StoredFiles): Promise<TreeRef> {
  const entries: ListingEntry[] = [];
  for (const below of directory.directories)
    entries.push({ kind: 'directory', name: below.name, ...(await putDirectory(batch, below, stored)) });
  for (const file of directory.files) {
    const found = stored.get(file);
    if (found !== undefined) entries.push({ kind: 'file', name: file.name, ...found });
  }
  const { digest } = await batch.putListing(Buffer.from(encodeListing(entries)));
  return { digest, ...totals(entries) };
}

function stateOf(root: ScannedDirectory): { paths: string; files: ScannedFile[] } {
  const files: ScannedFile[] = [];
  const folders: string[] = [];
  const visit = (directory: ScannedDirectory): void => {
    // Not spread: a folder may hold more files than a call takes arguments.
    for (const file of directory.files) files.push(file);
    folders.push(`${directory.path}/`);
    for (const below of directory.directories) visit(below);
  };
  visit(root);
  return { paths: [...files.map(({ path }) => path), ...folders].join('\0'), files };
}

function inOrders(files: readonly ScannedFile[]): ScannedFile[][] {
  const orders: ScannedFile[][] = [];
  let order: ScannedFile[] = [];
  let bytes = 0;
  for (const file of files) {
    order.push(file);
    bytes += file.size;
    if (order.length < FILES_OF_A_THREAD && bytes < BYTES_OF_A_THREAD) continue;
    orders.push(order);
    order = [];
    bytes = 0;
  }
  if (order.length > 0) orders.push(order);
  return orders;
}
