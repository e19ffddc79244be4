import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  paginateListObjectsV2,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { canonicalJson, toMedperfHash } from '../../contract';
import type { BlobRef, Digest } from '../../contract';
import type { ByteRange, Store } from '../store';
import { missing } from '../failures';
import { BLOCK_BYTES } from '../file-blocks';
import { BucketUses } from './bucket-uses';
import { keyBelow } from './connection';
import type { Bucket } from './connection';
import { atBucket } from './failures';
import { putIfAbsent } from './multipart';
import { findObject } from './objects';

/** It costs less to send a smaller one than to ask whether it is there. */
const SENT_UNASKED_BYTES = 64 * 1024;

/** What a store keeps in a bucket, under the names that it has in a directory: `blobs/ab/<hex>`, `actions/…`, `records/…`. */
export class BucketContents {
  private readonly uses: BucketUses;

  constructor(private readonly bucket: Bucket) {
    this.uses = new BucketUses(bucket);
  }

  /** Bytes of a blob, which may be relied upon, or null when the bucket does not have it. */
  async sizeOf(digest: Digest): Promise<number | null> {
    const size = await this.look(digest);
    if (size === null || this.isUsed(digest)) return size;
    await this.uses.settle(blobName(digest));
    return this.look(digest);
  }

  /** Whether this process knows that the bucket has it, and that nobody will remove it soon. */
  isUsed(digest: Digest): boolean {
    return this.uses.isNoted(blobName(digest));
  }

  /** The blob, and everything below it, was used now. */
  use(digest: Digest): Promise<void> {
    return this.uses.note(blobName(digest));
  }

  /** Sends a blob that `from` has, unless it is there; one whose sending was interrupted is gone on with. */
  async put(blob: BlobRef, from: Pick<Store, 'openRead'>, signal?: AbortSignal): Promise<void> {
    const open = (range: ByteRange): Promise<Readable> => from.openRead(blob.digest, range);
    const content = { ...blob, contentType: 'application/octet-stream', open };
    let isAsked = blob.size > SENT_UNASKED_BYTES;
    for (;;) {
      signal?.throwIfAborted();
      if (isAsked && (await this.sizeOf(blob.digest)) !== null) return;
      const options = { signal, keepUnfinished: () => true };
      if (await putIfAbsent(this.bucket, this.blobKey(blob.digest), content, options)) {
        this.uses.remember(blobName(blob.digest));
        return;
      }
      // It is there; what a clean-up is about to remove is put once more.
      isAsked = true;
    }
  }

  /** A blob's first bytes as text, or null where the bucket does not have it. */
  async beginningOf(digest: Digest, bytes: number): Promise<string | null> {
    const body = await this.get(this.blobKey(digest), `bytes=0-${bytes - 1}`);
    return body === null ? null : this.textOf(body);
  }

  /** A whole small blob; throws `StoreUnavailable` for one that is missing, damaged or larger. */
  async readWhole(digest: Digest, maxBytes: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let bytes = 0;
    for await (const block of this.read(digest, 0)) {
      for (const part of block) bytes += part.length;
      if (bytes > maxBytes) throw missing(digest);
      parts.push(...block);
    }
    const whole = Buffer.concat(parts);
    if (createHash('sha256').update(whole).digest('hex') !== toMedperfHash(digest)) throw missing(digest);
    return whole;
  }

  /** A blob's bytes from `start` on, in blocks; throws `StoreUnavailable` when the bucket does not have it. */
  async *read(digest: Digest, start: number): AsyncGenerator<Uint8Array[]> {
    const blocks = inBlocks(await this.get(this.blobKey(digest), start === 0 ? undefined : `bytes=${start}-`), digest);
    for (;;) {
      const { done, value } = await this.ask(() => blocks.next());
      if (done === true) return;
      yield value;
    }
  }

  /** Puts a damaged blob where nobody reads it, so that it can be put again. */
  async quarantine(digest: Digest): Promise<void> {
    const { bucket: Bucket } = this.bucket.place;
    const Key = this.blobKey(digest);
    const aside = keyBelow(this.bucket.place, 'quarantine', toMedperfHash(digest));
    await this.ask(async (client) => {
      await client.send(new CopyObjectCommand({ Bucket, Key: aside, CopySource: encodeURI(`${Bucket}/${Key}`) }));
      await client.send(new DeleteObjectCommand({ Bucket, Key }));
    });
    this.uses.forget(blobName(digest));
  }

  /** Under which a blob lies below the place's prefix. */
  nameOf(digest: Digest): string {
    return blobName(digest);
  }

  /** The JSON text under a name such as `actions/<hex>.json`, which counts as used now, or null. */
  async readText(name: string): Promise<string | null> {
    const body = await this.get(keyBelow(this.bucket.place, name));
    if (body === null) return null;
    const text = await this.textOf(body);
    await this.uses.note(name);
    return text;
  }

  async writeJson(name: string, value: unknown): Promise<void> {
    const { place } = this.bucket;
    const Body = canonicalJson(value);
    const put = { Bucket: place.bucket, Key: keyBelow(place, name), Body, ContentType: 'application/json' };
    await this.ask((client) => client.send(new PutObjectCommand(put)));
    this.uses.remember(name);
  }

  /** Names below a folder that begin with `prefix`, without the folder. */
  async list(folder: string, prefix: string): Promise<string[]> {
    const { place, client } = this.bucket;
    const before = `${keyBelow(place, folder)}/`;
    return this.ask(async () => {
      const names: string[] = [];
      const pages = paginateListObjectsV2({ client }, { Bucket: place.bucket, Prefix: `${before}${prefix}` });
      for await (const { Contents = [] } of pages)
        for (const { Key } of Contents) if (Key !== undefined) names.push(Key.slice(before.length));
      return names;
    });
  }

  private async look(digest: Digest): Promise<number | null> {
    return (await findObject(this.bucket, this.blobKey(digest)))?.size ?? null;
  }

  private textOf(body: Readable): Promise<string> {
    return this.ask(async () => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of body) chunks.push(chunk as Uint8Array);
      return Buffer.concat(chunks).toString();
    });
  }

  private async get(Key: string, Range?: string): Promise<Readable | null> {
    const { bucket: Bucket } = this.bucket.place;
    return this.ask(async (client) => {
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket, Key, ...(Range && { Range }) }));
        return Body instanceof Readable ? Body : Readable.from([]);
      } catch (error) {
        if (error instanceof Error && error.name === 'NoSuchKey') return null;
        // Asked for what comes after the last byte.
        if (error instanceof Error && error.name === 'InvalidRange') return Readable.from([]);
        throw error;
      }
    });
  }

  private ask<T>(work: (client: Bucket['client']) => Promise<T>): Promise<T> {
    return atBucket(this.bucket, undefined, () => work(this.bucket.client));
  }

  private blobKey(digest: Digest): string {
    return keyBelow(this.bucket.place, blobName(digest));
  }
}

function blobName(digest: Digest): string {
  const hex = toMedperfHash(digest);
  return `blobs/${hex.slice(0, 2)}/${hex}`;
}

/** Joins what comes from the network, so that every block but the last has at least {@link BLOCK_BYTES}. */
async function* inBlocks(body: Readable | null, digest: Digest): AsyncGenerator<Uint8Array[], void> {
  if (body === null) throw missing(digest);
  let held: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    held.push(chunk);
    bytes += chunk.length;
    if (bytes < BLOCK_BYTES) continue;
    yield held;
    held = [];
    bytes = 0;
  }
  if (bytes > 0) yield held;
}
