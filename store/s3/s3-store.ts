import type { Readable } from 'node:stream';
import { MedperfError, toMedperfHash } from '../../contract';
import type { ActionResult, BlobRef, Digest, TreeRef } from '../../contract';
import { forEachBounded } from '../bounded';
import { quoted } from '../failures';
import type { FileStore } from '../file-store';
import { asActionResult, decodedName, encodedName } from '../record-forms';
import type { SpaceAdmission, SpaceWaiting } from '../space-admission';
import type { ByteRange, ContentBatch, PartialBlob, PutTreeOptions, Store, TreeEntry } from '../store';
import { BucketContents } from './bucket-contents';
import { BlobFetching } from './blob-fetching';
import type { Bucket } from './connection';
import { WHOLE_BYTES } from './parts';

const SENT_AT_ONCE = 32;

/**
 * The store in a bucket that all hosts share, with a directory of this host in front of it. What is put is in both when
 * the call returns; what is read is fetched once. Results and records are the bucket's alone, so that all see the newest.
 */
export class S3Store implements Store {
  private readonly contents: BucketContents;
  private readonly fetching: BlobFetching;

  /** @param cache Losing it costs time; what it has is believed to be in the bucket only after a look there. */
  constructor(
    private readonly cache: FileStore,
    bucket: Bucket,
  ) {
    this.contents = new BucketContents(bucket);
    this.fetching = new BlobFetching(cache, this.contents);
  }

  get space(): SpaceAdmission {
    return this.cache.space;
  }

  async has(digest: Digest): Promise<boolean> {
    return (await this.sizeOf(digest)) !== null;
  }

  async sizeOf(digest: Digest): Promise<number | null> {
    const cached = this.contents.isUsed(digest) ? await this.cache.sizeOf(digest) : null;
    return cached ?? this.contents.sizeOf(digest);
  }

  async putBytes(bytes: Uint8Array | string): Promise<BlobRef> {
    return this.sent(await this.cache.putBytes(bytes));
  }

  async putFile(path: string, signal?: AbortSignal): Promise<BlobRef> {
    return this.sent(await this.cache.putFile(path, signal), signal);
  }

  async putStream(
    stream: AsyncIterable<Uint8Array>,
    options: { maxBytes?: number; signal?: AbortSignal } = {},
  ): Promise<BlobRef> {
    return this.sent(await this.cache.putStream(stream, options), options.signal);
  }

  async putBatch<T>(put: (batch: ContentBatch) => Promise<T>): Promise<T> {
    const files = new Map<Digest, BlobRef>();
    const listings = new Map<Digest, BlobRef>();
    const done = await this.cache.putBatch((batch) =>
      put({
        putBytes: async (bytes) => noted(files, await batch.putBytes(bytes)),
        putListing: async (bytes) => noted(listings, await batch.putListing(bytes)),
      }),
    );
    await this.sendFiles([...files.values()], undefined);
    // One by one: a folder that the bucket has is whole.
    for (const listing of listings.values()) await this.sent(listing);
    return done;
  }

  async openPartial(name: string): Promise<PartialBlob> {
    const partial = await this.cache.openPartial(name);
    const finish = partial.finish.bind(partial);
    partial.finish = async () => this.sent(await finish());
    return partial;
  }

  async putTree(directory: string, options: PutTreeOptions): Promise<TreeRef> {
    const tree = await this.cache.putTree(directory, options);
    await this.sendTree(tree.digest, options.signal);
    return tree;
  }

  async composeTree(entries: Readonly<Record<string, TreeEntry>>): Promise<TreeRef> {
    for (const entry of Object.values(entries)) {
      if (entry.kind === 'directory') await this.fetching.blob(entry.digest);
      // A folder that is sent is whole: what it holds has to be there, and to stay.
      if ((await this.sizeOf(entry.digest)) !== null) continue;
      if (entry.kind === 'directory') await this.sendTree(entry.digest, undefined);
      else await this.send(entry.digest);
    }
    const tree = await this.cache.composeTree(entries);
    await this.send(tree.digest);
    return tree;
  }

  async openRead(digest: Digest, range?: ByteRange): Promise<Readable> {
    await this.contents.use(digest);
    await this.fetching.file(digest);
    return this.cache.openRead(digest, range);
  }

  async readMany(blobs: readonly BlobRef[]): Promise<Uint8Array[]> {
    await this.fetching.blobs(blobs);
    return this.cache.readMany(blobs);
  }

  async readBytes(digest: Digest, maxBytes?: number): Promise<Buffer> {
    await this.contents.use(digest);
    await this.fetching.blob(digest);
    return this.cache.readBytes(digest, maxBytes);
  }

  async check(digest: Digest, waiting: SpaceWaiting = {}): Promise<void> {
    await this.contents.use(digest);
    await this.fetching.file(digest, waiting);
    await this.cache.check(digest, waiting);
  }

  /** The bucket has a folder only after what is in it. */
  async isWhole(digest: Digest): Promise<boolean> {
    return (await this.contents.sizeOf(digest)) !== null;
  }

  async listDirectory(tree: Digest): Promise<Readonly<Record<string, TreeEntry>>> {
    await this.contents.use(tree);
    return this.list(tree);
  }

  async lookUp(tree: Digest, path: string): Promise<TreeEntry | null> {
    await this.contents.use(tree);
    let found: TreeEntry | null = { kind: 'directory', digest: tree };
    for (const part of path === '' ? [] : path.split('/')) {
      if (found.kind === 'file') return null;
      found = (await this.list(found.digest))[part] ?? null;
      if (found === null) return null;
    }
    return found;
  }

  async materialise(tree: Digest, target: string, how: 'link' | 'copy', waiting: SpaceWaiting = {}): Promise<void> {
    await this.contents.use(tree);
    await this.fetching.tree(tree, waiting);
    await this.cache.materialise(tree, target, how);
  }

  async materialiseFile(blob: Digest, target: string, how: 'link' | 'copy'): Promise<void> {
    await this.contents.use(blob);
    await this.fetching.file(blob);
    await this.cache.materialiseFile(blob, target, how);
  }

  async findActionResult(key: Digest): Promise<ActionResult | null> {
    const text = await this.contents.readText(actionName(key));
    return text === null ? null : asActionResult(parsed(text), key);
  }

  recordActionResult(result: ActionResult): Promise<void> {
    return this.contents.writeJson(actionName(result.key), result);
  }

  async readRecord(name: string): Promise<unknown> {
    const text = await this.contents.readText(recordName(name));
    if (text === null) return null;
    const value = parsed(text);
    if (value !== undefined) return value;
    throw new MedperfError('StoreUnavailable', {
      what: `The record ${quoted(name)} is damaged in the bucket.`,
      found: 'text that is not JSON',
      next: 'Remove the object; it is written again when it is next needed.',
    });
  }

  writeRecord(name: string, value: unknown): Promise<void> {
    return this.contents.writeJson(recordName(name), value);
  }

  async listRecords(prefix: string): Promise<string[]> {
    const files = await this.contents.list('records', encodeURIComponent(prefix));
    return files.flatMap((file) => decodedName(file) ?? []).sort();
  }

  /** What is below a tree is held by it and needs no note of its own. */
  private async list(tree: Digest): Promise<Readonly<Record<string, TreeEntry>>> {
    await this.fetching.blob(tree);
    return this.cache.listDirectory(tree);
  }

  private async sent(blob: BlobRef, signal?: AbortSignal): Promise<BlobRef> {
    await this.contents.put(blob, this.cache, signal);
    return blob;
  }

  private async send(digest: Digest, signal?: AbortSignal): Promise<void> {
    const size = await this.cache.sizeOf(digest);
    if (size === null) throw new TypeError('a blob that was put and is not there');
    await this.sent({ digest, size }, signal);
  }

  /** Those that go in parts one by one: their parts are sent side by side. */
  private async sendFiles(files: readonly BlobRef[], signal: AbortSignal | undefined): Promise<void> {
    const send = async (file: BlobRef): Promise<void> => {
      await this.sent(file, signal);
    };
    await forEachBounded(
      files.filter(({ size }) => size <= WHOLE_BYTES),
      SENT_AT_ONCE,
      send,
    );
    for (const file of files) if (file.size > WHOLE_BYTES) await send(file);
  }

  /** Folders after what is in them: a folder that the bucket has is whole and is not looked into. */
  private async sendTree(tree: Digest, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if ((await this.contents.sizeOf(tree)) !== null) return;
    const members = Object.values(await this.cache.listDirectory(tree));
    for (const member of members) if (member.kind === 'directory') await this.sendTree(member.digest, signal);
    await this.sendFiles(
      members.filter((member) => member.kind === 'file'),
      signal,
    );
    await this.send(tree, signal);
  }
}

function noted(blobs: Map<Digest, BlobRef>, blob: BlobRef): BlobRef {
  blobs.set(blob.digest, blob);
  return blob;
}

function actionName(key: Digest): string {
  return `actions/${toMedperfHash(key)}.json`;
}

function recordName(name: string): string {
  return `records/${encodedName(name)}.json`;
}

/** Undefined for what is not JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
