import { GetObjectCommand, paginateListObjectsV2 } from '@aws-sdk/client-s3';
import { isDigest } from '../../contract';
import type { Digest } from '../../contract';
import { forEachBounded } from '../bounded';
import { decodedName } from '../record-forms';
import { HINTS } from '../store';
import { digestsIn } from '../store-contents';
import type { Keeper, StoreContents, StoredFile } from '../store-contents';
import { USES } from './bucket-uses';
import { keyBelow } from './connection';
import type { Bucket } from './connection';
import { atBucket } from './failures';

const READ_AT_ONCE = 32;
const BLOB = /^blobs\/([0-9a-f]{2})\/(\1[0-9a-f]{62})$/;
const RESULT = /^actions\/([0-9a-f]{64})\.json$/;

/** What lies in a bucket, as {@link StoreContents}: each `path` is a key, and what was noted as used was used then. */
export async function readBucket(bucket: Bucket, signal?: AbortSignal): Promise<StoreContents> {
  // Before the blobs, as in a directory.
  const keepers = [
    ...(await keepersOf(bucket, 'result', await objectsBelow(bucket, 'actions', signal), signal)),
    ...(await keepersOf(bucket, 'record', await objectsBelow(bucket, 'records', signal), signal)),
  ];
  const blobs = new Map<Digest, StoredFile>();
  const foreign: string[] = [];
  for (const object of await objectsBelow(bucket, 'blobs', signal)) {
    const hex = BLOB.exec(nameOf(bucket, object.path))?.[2];
    if (hex === undefined) foreign.push(object.path);
    else blobs.set(`sha256:${hex}`, object);
  }
  const quarantined = await objectsBelow(bucket, 'quarantine', signal);
  // Last: a use that is noted while the bucket is read counts.
  const uses = new Map((await objectsBelow(bucket, USES, signal)).map((note) => [usedBy(bucket, note), note]));
  const used = <F extends StoredFile>(file: F): F => {
    const note = uses.get(nameOf(bucket, file.path));
    uses.delete(nameOf(bucket, file.path));
    return note === undefined ? file : { ...file, usedAt: Math.max(file.usedAt, note.usedAt) };
  };
  for (const [digest, blob] of blobs) blobs.set(digest, used(blob));
  const usedKeepers = keepers.map(used);
  // Notes on what is there no longer.
  const left = [...uses.values()];
  return { blobs, keepers: usedKeepers, incoming: left, downloads: [], quarantined, seenFolders: [], foreign };
}

/** The name of what a note is about, such as `blobs/ab/<hex>`. */
function usedBy(bucket: Bucket, { path }: StoredFile): string {
  return nameOf(bucket, path).slice(USES.length + 1);
}

/** A key without the place's prefix. */
export function nameOf({ place }: Bucket, key: string): string {
  return key.slice(keyBelow(place, '').length);
}

async function objectsBelow(bucket: Bucket, folder: string, signal: AbortSignal | undefined): Promise<StoredFile[]> {
  const { place, client } = bucket;
  const Prefix = `${keyBelow(place, folder)}/`;
  return atBucket(bucket, signal, async () => {
    const objects: StoredFile[] = [];
    for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket: place.bucket, Prefix })) {
      signal?.throwIfAborted();
      for (const { Key, Size = 0, LastModified } of Contents)
        if (Key !== undefined) objects.push({ path: Key, size: Size, usedAt: LastModified?.getTime() ?? 0 });
    }
    return objects;
  });
}

async function keepersOf(
  bucket: Bucket,
  kind: 'result' | 'record',
  objects: readonly StoredFile[],
  signal: AbortSignal | undefined,
): Promise<Keeper[]> {
  const keepers: Keeper[] = [];
  await forEachBounded(objects, READ_AT_ONCE, async (object) => {
    const name = keeperName(kind, nameOf(bucket, object.path));
    if (name === null || name.startsWith(HINTS)) return;
    const text = await readObject(bucket, object.path, signal);
    // Gone meanwhile.
    if (text === null) return;
    const value = parsed(text);
    const digests = digestsIn(value).filter((digest) => digest !== name);
    keepers.push({ ...object, kind, name, digests, isReadable: value !== undefined });
  });
  return keepers;
}

function keeperName(kind: 'result' | 'record', name: string): string | null {
  if (kind === 'record') return decodedName(name.slice('records/'.length));
  const digest = `sha256:${RESULT.exec(name)?.[1] ?? ''}`;
  return isDigest(digest) ? digest : null;
}

async function readObject(bucket: Bucket, key: string, signal: AbortSignal | undefined): Promise<string | null> {
  const get = new GetObjectCommand({ Bucket: bucket.place.bucket, Key: key });
  return atBucket(bucket, signal, async () => {
    try {
      const { Body } = await bucket.client.send(get, { ...(signal && { abortSignal: signal }) });
      return (await Body?.transformToString()) ?? '';
    } catch (error) {
      if (error instanceof Error && error.name === 'NoSuchKey') return null;
      throw error;
    }
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
