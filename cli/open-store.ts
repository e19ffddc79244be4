import { FileStore } from '../store/file-store';
import { connectBucket } from '../store/s3/connection';
import { S3Store } from '../store/s3/s3-store';
import type { Store } from '../store/store';
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
