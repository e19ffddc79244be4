import { setTimeout as delay } from 'node:timers/promises';
import { AbortMultipartUploadCommand, ListMultipartUploadsCommand, ListPartsCommand } from '@aws-sdk/client-s3';
import type { Bucket } from './connection';
import { atBucket } from './failures';

/** An upload in parts that was begun and neither completed nor aborted. */
export interface UnfinishedUpload {
  readonly key: string;
  readonly id: string;
  readonly begun: Date;
}

/** A part that the server has. */
export interface HeldPart {
  readonly size: number;
  readonly etag: string;
}

/** The server does not know the upload: it was completed or aborted, by this process or another. */
export class LostUpload extends Error {}

const ABORT_MS = 10_000;
const FIRST_PAUSE_MS = 50;

/** Unfinished uploads of keys that begin with `prefix`, in the order of their keys. */
export async function* listUploads(
  bucket: Bucket,
  prefix: string,
  signal?: AbortSignal,
): AsyncGenerator<UnfinishedUpload, void> {
  let from: { KeyMarker?: string; UploadIdMarker?: string } = {};
  for (;;) {
    const list = new ListMultipartUploadsCommand({ Bucket: bucket.place.bucket, Prefix: prefix, ...from });
    const answer = await atBucket(bucket, signal, () =>
      bucket.client.send(list, { ...(signal && { abortSignal: signal }) }),
    );
    for (const { Key: key, UploadId: id, Initiated: begun } of answer.Uploads ?? [])
      if (key !== undefined && id !== undefined) yield { key, id, begun: begun ?? new Date() };
    const { IsTruncated, NextKeyMarker, NextUploadIdMarker } = answer;
    if (IsTruncated !== true || NextKeyMarker === undefined) return;
    from = { KeyMarker: NextKeyMarker, ...(NextUploadIdMarker && { UploadIdMarker: NextUploadIdMarker }) };
  }
}

/** The upload of exactly that key that was begun last, or null. */
export async function findUpload(bucket: Bucket, key: string, signal?: AbortSignal): Promise<string | null> {
  let newest: UnfinishedUpload | null = null;
  for await (const upload of listUploads(bucket, key, signal))
    if (upload.key === key && (newest === null || upload.begun > newest.begun)) newest = upload;
  return newest?.id ?? null;
}

/** The parts that the server has, by their numbers. @throws LostUpload */
export async function heldParts(
  bucket: Bucket,
  key: string,
  id: string,
  signal?: AbortSignal,
): Promise<Map<number, HeldPart>> {
  const held = new Map<number, HeldPart>();
  let from: { PartNumberMarker?: string } = {};
  for (;;) {
    const answer = await listParts(bucket, key, id, from, signal);
    for (const [number, part] of answer.parts) held.set(number, part);
    // Servers name a place to go on from on their last page too.
    if (answer.next === null) return held;
    from = { PartNumberMarker: answer.next };
  }
}

/** One of the parts, where the server has it. @throws LostUpload */
export async function heldPart(
  bucket: Bucket,
  key: string,
  id: string,
  number: number,
  signal?: AbortSignal,
): Promise<HeldPart | undefined> {
  const page = { PartNumberMarker: String(number - 1), MaxParts: 1 };
  return (await listParts(bucket, key, id, page, signal)).parts.get(number);
}

async function listParts(
  bucket: Bucket,
  key: string,
  id: string,
  page: { PartNumberMarker?: string; MaxParts?: number },
  signal: AbortSignal | undefined,
): Promise<{ parts: Map<number, HeldPart>; next: string | null }> {
  const list = new ListPartsCommand({ Bucket: bucket.place.bucket, Key: key, UploadId: id, ...page });
  const { Parts, IsTruncated, NextPartNumberMarker } = await atUpload(bucket, signal, () =>
    bucket.client.send(list, { ...(signal && { abortSignal: signal }) }),
  );
  const parts = new Map<number, HeldPart>();
  for (const { PartNumber, Size, ETag } of Parts ?? [])
    if (PartNumber !== undefined && Size !== undefined && ETag !== undefined)
      parts.set(PartNumber, { size: Size, etag: ETag });
  return { parts, next: (IsTruncated === true ? NextPartNumberMarker : null) ?? null };
}

/**
 * Gives an upload and its parts up, again where a part that was on its way came after that. Nobody waits for a server that
 * does not answer: the sweep comes by later.
 */
export async function abortUpload({ client, place }: Bucket, key: string, id: string): Promise<void> {
  const abortSignal = AbortSignal.timeout(ABORT_MS);
  const at = { Bucket: place.bucket, Key: key, UploadId: id };
  for (let pause = FIRST_PAUSE_MS; !abortSignal.aborted; pause *= 2) {
    await client.send(new AbortMultipartUploadCommand(at), { abortSignal }).catch(() => undefined);
    const isGone = await client.send(new ListPartsCommand({ ...at, MaxParts: 1 }), { abortSignal }).then(
      () => false,
      (error: unknown) => error instanceof Error && error.name === 'NoSuchUpload',
    );
    if (isGone) return;
    await delay(pause, undefined, { signal: abortSignal }).catch(() => undefined);
  }
}

/** Aborts what was begun before `before` and satisfies `isStray`. @returns how many. */
export async function sweepUploads(
  bucket: Bucket,
  prefix: string,
  before: Date,
  isStray: (key: string) => boolean,
  signal?: AbortSignal,
): Promise<number> {
  let swept = 0;
  for await (const { key, id, begun } of listUploads(bucket, prefix, signal)) {
    if (begun >= before || !isStray(key)) continue;
    await abortUpload(bucket, key, id);
    swept += 1;
  }
  return swept;
}

/** Like {@link atBucket} for requests about an upload. */
export async function atUpload<T>(bucket: Bucket, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  return atBucket(bucket, signal, async () => {
    try {
      return await work();
    } catch (error) {
      throw error instanceof Error && error.name === 'NoSuchUpload' ? new LostUpload() : error;
    }
  });
}
