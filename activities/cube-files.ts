import type { BlobRef, Digest } from '../contract';
import type { Store } from '../store/store';
import { fetchBlob, unpackOnce } from './fetch-blob';
import type { Fetching } from './fetch-blob';

/** Longest that the files of a cube may be, in bytes. */
export const MANIFEST_BYTES = 1024 * 1024;
export const PARAMETERS_BYTES = 64 * 1024 * 1024;
const ADDITIONAL_FILES_BYTES = 1024 ** 4;
export const IMAGE_BYTES = 256 * 1024 ** 3;

/** Text of an `mlcube.yaml` or `container_config.yaml`. */
export function descriptionText(store: Store, digest: Digest): Promise<string> {
  return textOf(store, digest, MANIFEST_BYTES);
}

export function parametersText(store: Store, digest: Digest): Promise<string> {
  return textOf(store, digest, PARAMETERS_BYTES);
}

async function textOf(store: Store, digest: Digest, maxBytes: number): Promise<string> {
  return (await store.readBytes(digest, maxBytes)).toString('utf8');
}

/** Nothing where the cube has no such file. */
export function fetchOptional(
  fetching: Fetching,
  what: string,
  url: string | undefined,
  hash: string | undefined,
  maxBytes: number,
): Promise<BlobRef | null> {
  return url === undefined ? Promise.resolve(null) : fetchBlob(fetching, what, url, hash, maxBytes);
}

/** The archive and the tree that it unpacks to. */
export async function fetchAdditionalFiles(
  fetching: Fetching,
  what: string,
  url: string | undefined,
  hash: string | undefined,
): Promise<{ readonly archive: BlobRef; readonly tree: Digest } | null> {
  const archive = await fetchOptional(fetching, what, url, hash, ADDITIONAL_FILES_BYTES);
  return archive === null ? null : { archive, tree: (await unpackOnce(fetching, what, archive)).digest };
}
