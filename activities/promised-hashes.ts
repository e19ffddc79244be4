import { isDigest } from '../contract';
import type { CubeHashes, Digest } from '../contract';
import { isSha1, knownBySha1, sha1Of } from '../store/sha1-names';
import type { Store } from '../store/store';

/** What a promised hash (bare hex SHA-256, or SHA-1 of a server of the tutorial's time) says that a file is, or null. */
export function promise(hash: string | undefined): Digest | `sha1:${string}` | null {
  const digest = `sha256:${hash ?? ''}`;
  if (isDigest(digest)) return digest;
  return hash !== undefined && isSha1(hash) ? `sha1:${hash}` : null;
}

/** The content that a hash promises, as far as the store knows it. */
export async function promisedContent(store: Store, hash: string | undefined): Promise<Digest | null> {
  const promised = promise(hash);
  if (promised === null || isDigest(promised)) return promised;
  return knownBySha1(store, promised.slice('sha1:'.length));
}

/** Hashes of files that the store has, as a server of the tutorial's time records them: SHA-1, and none of the image's id. */
export async function sha1Hashes(
  store: Store,
  { imageHash: _unknownThere, ...files }: CubeHashes,
): Promise<CubeHashes> {
  const hashes: Record<string, string> = {};
  for (const [name, hash] of Object.entries(files)) {
    const content = await promisedContent(store, hash);
    if (content === null) throw new TypeError(`a file of the cube that is not in the store: ${name}`);
    hashes[name] = await sha1Of(store, content);
  }
  return hashes;
}
