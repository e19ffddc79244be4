import { MedperfError } from '../contract';
import type { Digest } from '../contract';
import { keyBelow } from '../store/s3/connection';
import type { Bucket } from '../store/s3/connection';
import { putIfAbsent } from '../store/s3/multipart';
import { holds } from '../store/s3/objects';
import type { Content } from '../store/s3/objects';
import { abortUpload, sweepUploads } from '../store/s3/unfinished-uploads';
import type { Store } from '../store/store';
import { isRefused, requireServed } from './fetch-back';
import { checkNames, isPublishedPlace, publishedPlace } from './published-names';
import type { PublishedFile, Publisher, PublishOptions, UnfinishedUploads } from './publisher';

/** An upload that nobody went on with for so long is given up. */
const STRAY_MS = 7 * 24 * 60 * 60 * 1000;
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  yaml: 'application/yaml',
  yml: 'application/yaml',
  json: 'application/json',
};

export interface S3PublisherOptions {
  readonly store: Pick<Store, 'sizeOf' | 'openRead'>;
  readonly bucket: Bucket;
  /** Where everybody reads the bucket's objects: what stands before their keys. */
  readonly baseUrl: string;
}

/** Publishes into a bucket of an S3-compatible server, as `<prefix>/<folder>/<version>/<file name>`. */
export class S3Publisher implements Publisher {
  constructor(private readonly options: S3PublisherOptions) {}

  async publish(
    folder: string,
    files: Readonly<Record<string, Digest>>,
    options: PublishOptions = {},
  ): Promise<Readonly<Record<string, PublishedFile>>> {
    checkNames(folder, Object.keys(files));
    const uploads = new Uploads(options);
    const published: Record<string, PublishedFile> = {};
    try {
      for (const [name, digest] of Object.entries(files)) {
        const key = keyBelow(this.options.bucket.place, ...publishedPlace(folder, name, digest));
        await this.put(key, name, await this.contentOf(name, digest), uploads);
        published[name] = await this.fetchBack(key, name, digest, options.signal);
      }
    } catch (error) {
      if (options.signal?.aborted === true && options.keepUnfinished?.() !== true) await this.giveUp(uploads);
      throw error;
    }
    await this.sweep(options.signal);
    return published;
  }

  private async put(key: string, name: string, content: Content, uploads: Uploads): Promise<void> {
    const { bucket } = this.options;
    const { signal, keepUnfinished } = uploads.options;
    if (await this.isThere(key, content, signal)) return;
    const put = await putIfAbsent(bucket, key, content, {
      signal,
      keepUnfinished,
      unfinished: uploads.of(key),
      onUnfinished: (id) => uploads.remember(key, id),
      onSent: (bytes) => uploads.options.onProgress?.(name, bytes, content.size),
    });
    // Somebody else put something there meanwhile.
    if (!put) await this.isThere(key, content, signal);
  }

  /** What an earlier attempt began and this one did not come to. */
  private async giveUp(uploads: Uploads): Promise<void> {
    for (const [key, id] of uploads.all()) {
      await abortUpload(this.options.bucket, key, id);
      uploads.remember(key, null);
    }
  }

  /** @throws MedperfError `HashMismatch` when something else is there. */
  private async isThere(key: string, content: Content, signal: AbortSignal | undefined): Promise<boolean> {
    const held = await holds(this.options.bucket, key, content, signal);
    if (held !== 'another') return held === 'this';
    throw new MedperfError('HashMismatch', {
      what: `Another object lies under the key ${key} of the bucket ${JSON.stringify(this.options.bucket.place.bucket)}.`,
      expected: content.digest,
      found: 'another size or SHA-256; it was left as it is',
      next: 'Find out who put it there; remove it, or publish with another --host-s3-prefix.',
    });
  }

  private async contentOf(name: string, digest: Digest): Promise<Content> {
    const { store } = this.options;
    const size = await store.sizeOf(digest);
    if (size === null) {
      throw new MedperfError('StoreUnavailable', {
        what: `${name} cannot be published: ${digest} is not in the store.`,
        next: 'Check that this process uses the same store as the one that packaged the file.',
      });
    }
    // Archives may be plain tars under their agreed name, so that their endings do not tell.
    const contentType = CONTENT_TYPES[name.split('.').at(-1) ?? ''] ?? 'application/octet-stream';
    return { digest, size, contentType, open: (range) => store.openRead(digest, range) };
  }

  private async fetchBack(
    key: string,
    name: string,
    digest: Digest,
    signal: AbortSignal | undefined,
  ): Promise<PublishedFile> {
    const url = `${this.options.baseUrl.replace(/\/+$/, '')}/${key}`;
    try {
      return { url, findings: await requireServed(url, name, digest, signal) };
    } catch (error) {
      throw isRefused(error) ? notPublic(this.options.bucket, name) : error;
    }
  }

  /**
   * What other attempts left; under our keys only, since the bucket may be shared. What was published stands whether or
   * not these credentials may tidy up.
   */
  private async sweep(signal: AbortSignal | undefined): Promise<void> {
    const { bucket } = this.options;
    const prefix = keyBelow(bucket.place, '');
    const before = new Date(Date.now() - STRAY_MS);
    const isOurs = (key: string): boolean => isPublishedPlace(key.slice(prefix.length));
    await sweepUploads(bucket, prefix, before, isOurs, signal).catch((error: unknown) => {
      if (!(error instanceof MedperfError)) throw error;
    });
  }
}

/** What is on its way, and what of it a later attempt has to know. */
class Uploads {
  private unfinished: UnfinishedUploads;

  constructor(readonly options: PublishOptions) {
    this.unfinished = options.unfinished ?? {};
  }

  of(key: string): string | undefined {
    return this.unfinished[key];
  }

  all(): [key: string, id: string][] {
    return Object.entries(this.unfinished);
  }

  remember(key: string, id: string | null): void {
    const { [key]: _, ...others } = this.unfinished;
    this.unfinished = id === null ? others : { ...others, [key]: id };
    this.options.onUnfinished?.(this.unfinished);
  }
}

function notPublic({ place: { bucket } }: Bucket, name: string): MedperfError {
  return new MedperfError('NeedsAttention', {
    what: `${name} was published, but not everybody may read it.`,
    expected: `that everybody may read the objects of the bucket ${JSON.stringify(bucket)}`,
    found: 'status 401 or 403 for a request without credentials',
    next: `Set a policy on the bucket that allows everybody s3:GetObject on arn:aws:s3:::${bucket}/* (docs/hosting.md shows it); then go on.`,
  });
}
