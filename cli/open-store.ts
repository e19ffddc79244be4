import { cleanUp } from '../store/clean-up';
import type { CleanedUp, CleanUpOptions } from '../store/clean-up';
import { FileStore } from '../store/file-store';
import { bucketUsage, cleanUpBucket } from '../store/s3/bucket-clean-up';
import { readBucket } from '../store/s3/bucket-listing';
import { verifyBucket } from '../store/s3/bucket-verify';
import { connectBucket } from '../store/s3/connection';
import { S3Store } from '../store/s3/s3-store';
import { readContents } from '../store/store-contents';
import type { StoreContents } from '../store/store-contents';
import { storeUsage } from '../store/store-usage';
import type { StoreUsage } from '../store/store-usage';
import type { Store } from '../store/store';
import { verifyStore } from '../store/verify';
import type { StoreReport, VerifyOptions } from '../store/verify';
import type { Places } from './places';

export interface OpenStore {
  readonly store: Store;
  /** Ends its connections; nothing may be asked any more. */
  readonly close: () => void;
}

/** The store in a directory, or the one in a bucket with this host's directory in front of it. */
export function openStore({ store: directory, bucket: place }: Pick<Places, 'store' | 'bucket'>): OpenStore {
  const files = new FileStore(directory);
  if (place === null) return { store: files, close: () => undefined };
  const bucket = connectBucket(place);
  return { store: new S3Store(files, bucket), close: () => bucket.client.destroy() };
}

/** What keeps a store in order. */
export interface StoreUpkeep {
  contents(): Promise<StoreContents>;
  usage(): Promise<StoreUsage>;
  verify(options: VerifyOptions): Promise<StoreReport>;
  cleanUp(options: Omit<CleanUpOptions, 'isCache'>): Promise<CleanedUp>;
  readonly close: () => void;
}

/** @param ofCache of this host's directory, also where it is in front of a bucket. */
export function openUpkeep(
  { store: directory, bucket: place }: Pick<Places, 'store' | 'bucket'>,
  ofCache: boolean,
): StoreUpkeep {
  if (place === null || ofCache) {
    return {
      contents: () => readContents(directory),
      usage: () => storeUsage(directory),
      verify: (options) => verifyStore(directory, options),
      cleanUp: (options) => cleanUp(directory, { ...options, isCache: place !== null }),
      close: () => undefined,
    };
  }
  const bucket = connectBucket(place);
  return {
    contents: () => readBucket(bucket),
    usage: () => bucketUsage(bucket),
    verify: (options) => verifyBucket(bucket, new FileStore(directory), options),
    cleanUp: (options) => cleanUpBucket(bucket, options),
    close: () => bucket.client.destroy(),
  };
}
