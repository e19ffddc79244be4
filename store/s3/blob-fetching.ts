import { createHash } from 'node:crypto';
import { MedperfError } from '../../contract';
import type { BlobRef, Digest } from '../../contract';
import { forEachBounded, inBatches } from '../bounded';
import type { FileStore } from '../file-store';
import type { SpaceWaiting } from '../space-admission';
import type { BucketContents } from './bucket-contents';

const FETCHED_AT_ONCE = 32;
const LARGE_AT_ONCE = 3;
/** Smaller ones become visible together. */
const SMALL_BYTES = 1024 * 1024;
const SMALL_OF_A_BATCH = 2_000;

/** Brings blobs from the bucket into the cache, each checked by its hash. */
export class BlobFetching {
  private readonly underWay = new Map<Digest, Promise<void>>();

  constructor(
    private readonly cache: FileStore,
    private readonly contents: BucketContents,
  ) {}

  /** @throws MedperfError `StoreUnavailable` when the bucket does not have it. */
  async blob(digest: Digest): Promise<void> {
    if (await this.cache.has(digest)) return;
    const fetching = this.underWay.get(digest) ?? this.fetch(digest).finally(() => this.underWay.delete(digest));
    this.underWay.set(digest, fetching);
    await fetching;
  }

  async blobs(wanted: readonly BlobRef[], waiting?: SpaceWaiting): Promise<void> {
    const absent = await this.cache.absent(distinct(wanted));
    const small = absent.filter(({ size }) => size <= SMALL_BYTES);
    for (const some of inBatches(small, SMALL_OF_A_BATCH))
      await this.cache.putBatch(async (batch) => {
        for await (const content of this.readSmall(some)) await batch.putBytes(content);
      });
    const large = absent.filter(({ size }) => size > SMALL_BYTES);
    await forEachBounded(large, LARGE_AT_ONCE, ({ digest, size }) =>
      this.withRoom(size, waiting, () => this.blob(digest)),
    );
  }

  /** As {@link blob}, for what may be large: with `waiting` it waits until the disk has the room. */
  async file(digest: Digest, waiting?: SpaceWaiting): Promise<void> {
    if (await this.cache.has(digest)) return;
    const size = await this.contents.sizeOf(digest);
    await this.withRoom(size ?? 0, waiting, () => this.blob(digest));
  }

  /** Everything below a folder. */
  async tree(root: Digest, waiting?: SpaceWaiting): Promise<void> {
    const files: BlobRef[] = [];
    const visit = async (tree: Digest): Promise<void> => {
      await this.blob(tree);
      const folders: Digest[] = [];
      for (const entry of Object.values(await this.cache.listDirectory(tree))) {
        if (entry.kind === 'file') files.push(entry);
        else folders.push(entry.digest);
      }
      await forEachBounded(folders, FETCHED_AT_ONCE, visit);
    };
    await visit(root);
    await this.blobs(files, waiting);
  }

  private async withRoom(bytes: number, waiting: SpaceWaiting | undefined, fetch: () => Promise<void>): Promise<void> {
    if (bytes <= SMALL_BYTES) return fetch();
    const { space } = this.cache;
    const room = await (waiting === undefined ? space.admitNow(bytes) : space.admit(bytes, waiting));
    try {
      await fetch();
    } finally {
      room.release();
    }
  }

  /** Goes on with what an earlier attempt, also of a process that was killed, has of it. */
  private async fetch(digest: Digest): Promise<void> {
    const partial = await this.cache.openPartial(`bucket ${digest}`);
    try {
      if (partial.size === 0) await partial.begin(digest);
      for await (const block of this.contents.read(digest, partial.size)) await partial.write(block);
    } catch (error) {
      await partial.keep();
      throw error;
    }
    const blob = await partial.finish();
    if (blob.digest !== digest) await this.refuse(digest);
  }

  private async *readSmall(blobs: readonly BlobRef[]): AsyncGenerator<Uint8Array> {
    for (const some of inBatches(blobs, FETCHED_AT_ONCE)) {
      yield* await Promise.all(some.map(({ digest }) => this.readWhole(digest)));
    }
  }

  private async readWhole(digest: Digest): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for await (const block of this.contents.read(digest, 0)) parts.push(...block);
    const bytes = Buffer.concat(parts);
    if (`sha256:${createHash('sha256').update(bytes).digest('hex')}` !== digest) await this.refuse(digest);
    return bytes;
  }

  private async refuse(digest: Digest): Promise<never> {
    await this.contents.quarantine(digest);
    throw new MedperfError('StoreUnavailable', {
      what: `${digest} was damaged in the bucket: its bytes have another hash. It was put into quarantine there.`,
      next: 'Put its content into the store again, or run again what made it.',
    });
  }
}

function distinct(blobs: readonly BlobRef[]): BlobRef[] {
  return [...new Map(blobs.map(({ digest, size }) => [digest, { digest, size }])).values()];
}
