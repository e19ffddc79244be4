import { z } from 'zod';
import { CONTRACT_VERSION, isDigest } from '../contract';
import type { BlobRef, Cube, CubeImage, Digest, HostedRef } from '../contract';
import { HINTS } from '../store/store';
import type { Store } from '../store/store';
import { digestOf } from './action-key';
import { promise } from './promised-hashes';

const digest = z.custom<Digest>(isDigest);
const hash = z.string();
const KnownCubeSchema = z.object({
  tree: digest,
  reference: z.string(),
  archive: z.object({ digest, size: z.int().nonnegative() }).exactOptional(),
  hashes: z.object({
    manifestHash: hash,
    parametersHash: hash.exactOptional(),
    additionalFilesHash: hash.exactOptional(),
    imageTarballHash: hash.exactOptional(),
  }),
});

/**
 * What the files of a hosted cube made when they were last fetched and checked; null where a hash is not promised, since
 * a URL alone says nothing of what is there now.
 */
export async function knownCube(store: Store, { name, uid, urls, hashes }: HostedRef): Promise<Cube | null> {
  const record = recordName({ urls, hashes });
  const known = KnownCubeSchema.safeParse(record === null ? null : await store.readRecord(record));
  if (!known.success) return null;
  const { tree, reference, archive = null } = known.data;
  const image = cubeImage(reference, hashes.imageHash, archive);
  return { name, uid: uid ?? null, tree, image, hashes: known.data.hashes };
}

/** Keeps what the fetched and checked files made under their hashes. */
export async function rememberCube(store: Store, ref: HostedRef, { tree, image, hashes }: Cube): Promise<void> {
  const record = recordName(ref);
  if (record === null) return;
  const { reference, archive } = image;
  await store.writeRecord(record, { tree, reference, ...(archive === undefined ? {} : { archive }), hashes });
}

/** @param imageHash the image's config digest without `sha256:`, where a record promises one. */
export function cubeImage(reference: string, imageHash: string | undefined, archive: BlobRef | null): CubeImage {
  return { reference, expectedId: promisedDigest(imageHash), ...(archive === null ? {} : { archive }) };
}

/** What decides the tree: the hash of every file that is there, and how trees are made of them. */
function recordName({ urls, hashes }: Pick<HostedRef, 'urls' | 'hashes'>): string | null {
  const files = [
    promise(hashes.manifestHash),
    ...optionalFile(urls.parametersUrl, hashes.parametersHash),
    ...optionalFile(urls.additionalFilesUrl, hashes.additionalFilesHash),
    ...optionalFile(urls.imageTarballUrl, hashes.imageTarballHash),
  ];
  return files.includes(null) ? null : `cube-trees/${digestOf({ version: CONTRACT_VERSION, files })}`;
}

function optionalFile(url: string | undefined, promised: string | undefined): [string | null] {
  return [url === undefined ? 'none' : promise(promised)];
}

function promisedDigest(hex: string | undefined): Digest | null {
  const promised = `sha256:${hex ?? ''}`;
  return isDigest(promised) ? promised : null;
}

/** An image that is named by the digest of its registry's manifest is the same for ever; a tag is not. */
const PINNED = /@sha256:[0-9a-f]{64}$/;

/** The image's id as far as it is known without a Docker daemon: promised by a record, or found for a pinned reference. */
export async function knownImageId(
  store: Store,
  { reference, expectedId, archive }: CubeImage,
): Promise<Digest | null> {
  if (expectedId !== null) return expectedId;
  if (archive !== undefined || !PINNED.test(reference)) return null;
  const known = digest.safeParse(await store.readRecord(imageRecordName(reference)));
  return known.success ? known.data : null;
}

export async function rememberImageId(store: Store, { reference, archive }: CubeImage, imageId: Digest): Promise<void> {
  if (archive === undefined && PINNED.test(reference)) await store.writeRecord(imageRecordName(reference), imageId);
}

function imageRecordName(reference: string): string {
  return `${HINTS}image-ids/${digestOf(reference)}`;
}
