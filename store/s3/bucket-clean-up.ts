import { DeleteObjectsCommand, HeadObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import type { Digest } from '../../contract';
import { forEachBounded, inBatches } from '../bounded';
import { cleanUpPlace } from '../clean-up';
import type { CleanedUp, CleanUpOptions } from '../clean-up';
import { placeFailure } from '../failures';
import type { StoredFile } from '../store-contents';
import type { BlobReading } from '../stored-trees';
import { usageOf } from '../store-usage';
import type { StoreUsage } from '../store-usage';
import { LISTING_BEGINS } from '../tree-listing';
import { BucketContents } from './bucket-contents';
import { nameOf, readBucket } from './bucket-listing';
import { BucketUses, USES } from './bucket-uses';
import type { RemovalLimits } from './bucket-uses';
import { keyBelow } from './connection';
import type { Bucket } from './connection';
import { atBucket, s3Status } from './failures';

/** Looked at in a moment, and as many as one request may remove. */
const REMOVED_AT_ONCE = 1_000;
const ASKED_AT_ONCE = 32;

/**
 * {@link cleanUp} of a bucket, for all hosts that keep their store there. What was used is told by the objects' dates and by
 * the notes of {@link BucketUses}, all by the server's clock.
 */
export function cleanUpBucket(
  bucket: Bucket,
  options: Omit<CleanUpOptions, 'isCache'>,
  limits?: RemovalLimits,
): Promise<CleanedUp> {
  const uses = new BucketUses(bucket, limits);
  return cleanUpPlace(
    {
      read: async () => {
        const now = await serverTime(bucket);
        return { contents: await readBucket(bucket, options.signal), reading: readingOf(bucket), now };
      },
      removeUnused: async (files, before, signal) => {
        const removed: StoredFile[] = [];
        for (const some of inBatches(files, REMOVED_AT_ONCE))
          removed.push(...(await uses.whileRemoving((end) => removeUnused(bucket, some, before, end), signal)));
        return removed;
      },
    },
    options,
  );
}

/** What a bucket's store takes and for what. */
export async function bucketUsage(bucket: Bucket): Promise<StoreUsage> {
  return usageOf(await readBucket(bucket), readingOf(bucket));
}

/** Blobs of a bucket, without counting as used and past any cache. */
export function readingOf(bucket: Bucket): BlobReading {
  const contents = new BucketContents(bucket);
  return {
    beginAsListings: async (blobs) => {
      const listings = new Set<Digest>();
      await forEachBounded(blobs, ASKED_AT_ONCE, async (digest) => {
        if ((await contents.beginningOf(digest, LISTING_BEGINS.length)) === LISTING_BEGINS) listings.add(digest);
      });
      return blobs.map((digest) => listings.has(digest));
    },
    readBytes: (digest, maxBytes) => contents.readWhole(digest, maxBytes),
  };
}

async function removeUnused(
  bucket: Bucket,
  files: readonly StoredFile[],
  before: number,
  signal: AbortSignal,
): Promise<StoredFile[]> {
  const unused: StoredFile[] = [];
  await forEachBounded(files, ASKED_AT_ONCE, async (file) => {
    const dates = [file.path, noteOf(bucket, file.path)].map((key) => dateOf(bucket, key, signal));
    if (Math.max(...(await Promise.all(dates))) < before) unused.push(file);
  });
  if (unused.length === 0) return [];
  const Objects = unused.map(({ path }) => ({ Key: path }));
  const remove = new DeleteObjectsCommand({ Bucket: bucket.place.bucket, Delete: { Objects, Quiet: true } });
  const { Errors = [] } = await atBucket(bucket, signal, () => bucket.client.send(remove, { abortSignal: signal }));
  const [first] = Errors.filter(({ Code }) => Code !== 'NoSuchKey');
  if (first !== undefined)
    throw placeFailure('The bucket could not remove an object.', first.Code ?? 'no reason given');
  return unused;
}

function noteOf(bucket: Bucket, key: string): string {
  return keyBelow(bucket.place, USES, nameOf(bucket, key));
}

/** When an object was put, by the server's clock in milliseconds since 1970; long ago for what is not there. */
function dateOf(bucket: Bucket, key: string, signal: AbortSignal): Promise<number> {
  const head = new HeadObjectCommand({ Bucket: bucket.place.bucket, Key: key });
  return atBucket(bucket, signal, async () => {
    try {
      return (await bucket.client.send(head, { abortSignal: signal })).LastModified?.getTime() ?? Date.now();
    } catch (error) {
      if (s3Status(error) === 404) return 0;
      throw error;
    }
  });
}

/** The server's clock, which dates everything in the bucket. */
async function serverTime(bucket: Bucket): Promise<number> {
  const list = new ListObjectsV2Command({ Bucket: bucket.place.bucket, MaxKeys: 1 });
  let date = NaN;
  list.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const { headers = {} } = result.response as { headers?: Readonly<Record<string, string>> };
      date = Date.parse(headers['date'] ?? '');
      return result;
    },
    { step: 'deserialize' },
  );
  await atBucket(bucket, undefined, () => bucket.client.send(list));
  return Number.isNaN(date) ? Date.now() : date;
}
