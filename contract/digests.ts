/** SHA-256 of a blob, or of a tree's canonical directory listing (see `docs/store.md`). */
export type Digest = `sha256:${string}`;

/** A blob in the store; `size` in bytes. */
export interface BlobRef {
  readonly digest: Digest;
  readonly size: number;
}

/** A directory in the store; `size` is the sum of its files in bytes. */
export interface TreeRef {
  readonly digest: Digest;
  readonly size: number;
  readonly files: number;
}

const DIGEST = /^sha256:[0-9a-f]{64}$/;

export function isDigest(text: unknown): text is Digest {
  return typeof text === 'string' && DIGEST.test(text);
}

/** The bare hex form that MedPerf's records use for the same SHA-256. */
export function toMedperfHash(digest: Digest): string {
  return digest.slice('sha256:'.length);
}
