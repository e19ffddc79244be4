import { z } from 'zod';
import { CONTRACT_VERSION, isDigest } from '../contract';
import type {
  BlobRef,
  Cube,
  CubeImage,
  Digest,
  HostedContainer,
  HostedFiles,
  HostedMlcube,
  HostedRef,
} from '../contract';
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
    manifestHash: hash.exactOptional(),
    parametersHash: hash.exactOptional(),
    additionalFilesHash: hash.exactOptional(),
    imageTarballHash: hash.exactOptional(),
    imageHash: hash.exactOptional(),
  }),
});

/**
 * What the files of a hosted cube made when they were last fetched and checked; null where a hash is not promised, since
 * a URL alone says nothing of what is there now.
 */
export async function knownCube(store: Store, { name, uid, files }: HostedRef): Promise<Cube | null> {
  const record = recordName(files);
  const known = KnownCubeSchema.safeParse(record === null ? null : await store.readRecord(record));
  if (!known.success) return null;
  const { tree, reference, archive = null } = known.data;
  // What a container's record promises of its image is in the reference, or is the archive's hash.
  const image = cubeImage(reference, files.format === 'mlcube' ? files.hashes.imageHash : undefined, archive);
  return { name, uid: uid ?? null, tree, image, hashes: known.data.hashes };
}

/** Keeps what the fetched and checked files made under their hashes. */
export async function rememberCube(store: Store, ref: HostedRef, { tree, image, hashes }: Cube): Promise<void> {
  const record = recordName(ref.files);
  if (record === null) return;
  const { reference, archive } = image;
  await store.writeRecord(record, { tree, reference, ...(archive === undefined ? {} : { archive }), hashes });
}

/** @param imageHash the image's config digest without `sha256:`, where a record promises one. */
export function cubeImage(reference: string, imageHash: string | undefined, archive: BlobRef | null): CubeImage {
  return { reference, expectedId: promisedDigest(imageHash), ...(archive === null ? {} : { archive }) };
}

/** What decides the tree: the hash of every file that is there, and how trees are made of them. */
function recordName(files: HostedFiles): string | null {
  const parts = files.format === 'mlcube' ? mlcubeParts(files) : containerParts(files);
  return parts.includes(null) ? null : `cube-trees/${digestOf({ version: CONTRACT_VERSION, files: parts })}`;
}

function mlcubeParts({ urls, hashes }: HostedMlcube): (string | null)[] {
  return [
    promise(hashes.manifestHash),
    ...optionalFile(urls.parametersUrl, hashes.parametersHash),
    ...optionalFile(urls.additionalFilesUrl, hashes.additionalFilesHash),
    ...optionalFile(urls.imageTarballUrl, hashes.imageTarballHash),
  ];
}

function containerParts({ config, parameters, additionalFiles, imageHash }: HostedContainer): (string | null)[] {
  return [
    'container',
    config,
    parameters ?? 'none',
    ...optionalFile(additionalFiles?.url, additionalFiles?.hash),
    imageHash ?? null,
  ];
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
  const record = imageRecordName({ reference, archive });
  const known = digest.safeParse(record === null ? null : await store.readRecord(record));
  return known.success ? known.data : null;
}

export async function rememberImageId(store: Store, image: ImagePlace, imageId: Digest): Promise<void> {
  const record = imageRecordName(image);
  if (record !== null) await store.writeRecord(record, imageId);
}

interface ImagePlace {
  readonly reference: string;
  readonly archive?: BlobRef | undefined;
}

/** Null for what may stand for another image tomorrow. */
function imageRecordName({ reference, archive }: ImagePlace): string | null {
  if (archive !== undefined) return `${HINTS}image-ids/${digestOf({ reference, archive: archive.digest })}`;
  return PINNED.test(reference) ? `${HINTS}image-ids/${digestOf(reference)}` : null;
}
