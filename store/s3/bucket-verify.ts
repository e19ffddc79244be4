import { createHash } from 'node:crypto';
import { MedperfError } from '../../contract';
import type { BlobRef } from '../../contract';
import { forEachBounded } from '../bounded';
import type { FileStore } from '../file-store';
import { LISTING_BEGINS } from '../tree-listing';
import { verifyPlace } from '../verify';
import type { HashAnswer, StoreReport, VerifyOptions } from '../verify';
import { BucketContents } from './bucket-contents';
import { nameOf, readBucket } from './bucket-listing';
import { keyBelow } from './connection';
import type { Bucket } from './connection';
import { findObject } from './objects';

const HASHED_AT_ONCE = 4;

/**
 * {@link verifyStore} of a bucket: every object is fetched and hashed, in streams. Where damage is moved away and this host's
 * cache has the content, it is put again.
 */
export function verifyBucket(bucket: Bucket, cache: FileStore, options: VerifyOptions = {}): Promise<StoreReport> {
  const contents = new BucketContents(bucket);
  return verifyPlace(
    {
      read: () => readBucket(bucket, options.signal),
      hash: async (blobs, stop) => {
        const answers = new Map<BlobRef, HashAnswer>();
        await forEachBounded(blobs, HASHED_AT_ONCE, async (blob) => {
          if (Atomics.load(stop, 0) === 0) answers.set(blob, await hashObject(contents, blob));
        });
        return blobs.map((blob) => answers.get(blob) ?? { code: 'ENOENT' });
      },
      readBytes: (blob, maxBytes) => contents.readWhole(blob, maxBytes),
      pathOf: (blob) => keyBelow(bucket.place, contents.nameOf(blob)),
      isThere: async (key) => (await findObject(bucket, key, options.signal)) !== null,
      shown: (key) => nameOf(bucket, key),
      quarantine: async (blob) => {
        await contents.quarantine(blob.digest);
        return putAgain(contents, cache, blob);
      },
      // Each host looks into the bucket before it relies on what it remembers.
      forgetWhatWasSeen: () => Promise.resolve(),
    },
    options,
  );
}

async function hashObject(contents: BucketContents, { digest }: BlobRef): Promise<HashAnswer> {
  const hash = createHash('sha256');
  let beginning = '';
  try {
    for await (const block of contents.read(digest, 0))
      for (const part of block) {
        if (beginning.length < LISTING_BEGINS.length)
          beginning += Buffer.from(part).toString('latin1', 0, LISTING_BEGINS.length);
        hash.update(part);
      }
  } catch (error) {
    if ((await contents.sizeOf(digest)) === null) return { code: 'ENOENT' };
    throw error;
  }
  return { hex: hash.digest('hex'), begins: beginning.startsWith(LISTING_BEGINS) };
}

async function putAgain(contents: BucketContents, cache: FileStore, { digest }: BlobRef): Promise<boolean> {
  try {
    const size = await cache.sizeOf(digest);
    if (size === null) return false;
    await cache.check(digest);
    await contents.put({ digest, size }, cache);
    return true;
  } catch (error) {
    // The copy in the cache is damaged too, and is in its own quarantine now.
    if (error instanceof MedperfError && error.type === 'StoreUnavailable') return false;
    throw error;
  }
}
