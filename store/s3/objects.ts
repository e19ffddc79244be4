import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { isDigest, toMedperfHash } from '../../contract';
import type { BlobRef, Digest } from '../../contract';
import { atPlace } from '../failures';
import type { ByteRange } from '../store';
import type { Bucket } from './connection';
import { atBucket, s3Status } from './failures';

/** Name of the metadata that says an object's SHA-256, as 64 hex digits. */
const HASH_FIELD = 'sha256';

/** What is sent: a blob that can be read more than once. */
export interface Content extends BlobRef {
  readonly contentType: string;
  readonly open: (range: ByteRange) => Promise<Readable>;
}

/** What lies under a key. */
export interface StoredObject {
  readonly size: number;
  /** As whoever put it there said; null when nothing was said. */
  readonly digest: Digest | null;
}

export function describeContent({ digest, contentType }: Content): {
  ContentType: string;
  Metadata: Record<string, string>;
} {
  return { ContentType: contentType, Metadata: { [HASH_FIELD]: toMedperfHash(digest) } };
}

/** Looks without reading; null where there is nothing, or no such bucket: a HEAD does not tell them apart. */
export async function findObject(bucket: Bucket, key: string, signal?: AbortSignal): Promise<StoredObject | null> {
  return atBucket(bucket, signal, async () => {
    try {
      const answer = await bucket.client.send(new HeadObjectCommand({ Bucket: bucket.place.bucket, Key: key }), {
        ...(signal && { abortSignal: signal }),
      });
      const digest = `sha256:${answer.Metadata?.[HASH_FIELD] ?? ''}`;
      return { size: answer.ContentLength ?? 0, digest: isDigest(digest) ? digest : null };
    } catch (error) {
      if (s3Status(error) === 404) return null;
      throw error;
    }
  });
}

/** Whether the content lies under the key: told by what was said when it was put there, else by reading it. */
export async function holds(
  bucket: Bucket,
  key: string,
  content: BlobRef,
  signal?: AbortSignal,
): Promise<'this' | 'another' | 'nothing'> {
  const found = await findObject(bucket, key, signal);
  if (found === null) return 'nothing';
  if (found.size !== content.size) return 'another';
  const digest = found.digest ?? (await hashOfObject(bucket, key, signal));
  return digest === content.digest ? 'this' : 'another';
}

/** Puts a small content in one request, unless something lies under the key. @returns whether it was put. */
export async function putWhole(bucket: Bucket, key: string, content: Content, signal?: AbortSignal): Promise<boolean> {
  const body = await readAll(content);
  return atBucket(bucket, signal, async () => {
    const put = new PutObjectCommand({
      Bucket: bucket.place.bucket,
      Key: key,
      Body: body,
      ContentLength: body.length,
      IfNoneMatch: '*',
      ...describeContent(content),
    });
    return unlessThere(() => bucket.client.send(put, { ...(signal && { abortSignal: signal }) }));
  });
}

/** False where the server says that something lies under the key already. */
export async function unlessThere(put: () => Promise<unknown>): Promise<boolean> {
  try {
    await put();
    return true;
  } catch (error) {
    if (s3Status(error) === 412) return false;
    throw error;
  }
}

export function readingFailed({ digest }: BlobRef): string {
  return `The store could not read ${digest}.`;
}

async function readAll(content: Content): Promise<Buffer> {
  if (content.size === 0) return Buffer.alloc(0);
  return atPlace(readingFailed(content), async () => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of await content.open({ start: 0, end: content.size })) chunks.push(chunk as Uint8Array);
    return Buffer.concat(chunks);
  });
}

async function hashOfObject(bucket: Bucket, key: string, signal?: AbortSignal): Promise<Digest> {
  return atBucket(bucket, signal, async (): Promise<Digest> => {
    const get = new GetObjectCommand({ Bucket: bucket.place.bucket, Key: key });
    const { Body } = await bucket.client.send(get, { ...(signal && { abortSignal: signal }) });
    const hash = createHash('sha256');
    if (Body instanceof Readable) for await (const chunk of Body) hash.update(chunk as Uint8Array);
    return `sha256:${hash.digest('hex')}`;
  });
}
