import {
  AbortMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  paginateListParts,
} from '@aws-sdk/client-s3';
import type { Part as ListedPart } from '@aws-sdk/client-s3';
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
  const of = { Bucket: bucket.place.bucket, Key: key, UploadId: id };
  const held = new Map<number, HeldPart>();
  await atUpload(bucket, signal, async () => {
    for await (const page of paginateListParts({ client: bucket.client }, of, {
      ...(signal && { abortSignal: signal }),
    }))
      for (const part of page.Parts ?? []) keep(held, part);
  });
  return held;
}

/** One of the parts, where the server has it. @throws LostUpload */
export async function heldPart(
  bucket: Bucket,
  key: string,
  id: string,
  number: number,
  signal?: AbortSignal,
): Promise<HeldPart | undefined> {
  const before = { PartNumberMarker: String(number - 1), MaxParts: 1 };
  const list = new ListPartsCommand({ Bucket: bucket.place.bucket, Key: key, UploadId: id, ...before });
  const held = new Map<number, HeldPart>();
  const { Parts } = await atUpload(bucket, signal, () =>
    bucket.client.send(list, { ...(signal && { abortSignal: signal }) }),
  );
  for (const part of Parts ?? []) keep(held, part);
  return held.get(number);
}

function keep(held: Map<number, HeldPart>, { PartNumber, Size, ETag }: ListedPart): void {
  if (PartNumber !== undefined && Size !== undefined && ETag !== undefined)
    held.set(PartNumber, { size: Size, etag: ETag });
}

/** Gives an upload and its parts up. Nobody waits for a server that does not answer: the sweep comes by later. */
export async function abortUpload(bucket: Bucket, key: string, id: string): Promise<void> {
  const abort = new AbortMultipartUploadCommand({ Bucket: bucket.place.bucket, Key: key, UploadId: id });
  await bucket.client.send(abort, { abortSignal: AbortSignal.timeout(ABORT_MS) }).catch(() => undefined);
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
