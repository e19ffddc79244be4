import { z } from 'zod';
import { isDigest, MedperfError } from '../contract';
import type { BlobRef, Digest, Heartbeat, TreeRef } from '../contract';
import { DEFAULT_UNPACK_LIMITS, unpackArchive } from '../store/archive';
import type { Downloads } from '../store/downloads';
import type { Store } from '../store/store';
import { tellShare } from './byte-progress';

export interface Fetching {
  readonly store: Store;
  readonly downloads: Downloads;
  readonly offline: boolean;
  readonly signal: AbortSignal;
  readonly tell: (details: Heartbeat) => void;
}

/** A kind of file that may have so many bytes is hashed again when it is there; larger ones by whoever unpacks or loads them. */
const CHECKED_BYTES = 64 * 1024 * 1024;

/** What the store has under the promised hash is not fetched again, unless it is damaged. `hash` is bare hex SHA-256. */
export async function fetchBlob(
  { store, downloads, offline, signal, tell }: Fetching,
  what: string,
  url: string,
  hash: string | undefined,
  maxBytes: number,
): Promise<BlobRef> {
  const promised = `sha256:${hash ?? ''}`;
  if (isDigest(promised)) {
    const size = await store.sizeOf(promised);
    if (size !== null) {
      if (maxBytes <= CHECKED_BYTES) await store.check(promised, { signal });
      return { digest: promised, size };
    }
  }
  if (offline) {
    throw new MedperfError('InvalidRequest', {
      what: `The ${what} is not in the store, and --offline forbids fetching it.`,
      next: 'run once without --offline.',
    });
  }
  const downloading = `downloading the ${what}`;
  tell({ message: downloading });
  return downloads.fetch(store, url, {
    ...(hash === undefined || hash === '' ? {} : { expectedHash: hash }),
    maxBytes,
    signal,
    onWait: (reason) => tell({ message: reason ?? downloading }),
    onProgress: tellShare(tell, downloading),
  });
}

const UnpackedSchema = z.object({ digest: z.custom<Digest>(isDigest), size: z.number(), files: z.number() });

/** Unpacks an archive into a tree; one that was unpacked before is remembered by its digest. */
export async function unpackOnce({ store, signal, tell }: Fetching, what: string, archive: BlobRef): Promise<TreeRef> {
  const recordName = `unpacked/${archive.digest}`;
  const known = UnpackedSchema.safeParse(await store.readRecord(recordName));
  if (known.success && (await store.isWhole(known.data.digest))) return known.data;
  tell({ message: `unpacking the ${what}` });
  const tree = await unpackArchive(store, archive.digest, DEFAULT_UNPACK_LIMITS, {
    signal,
    onWait: (reason) => tell({ message: reason ?? `unpacking the ${what}` }),
  });
  await store.writeRecord(recordName, tree);
  return tree;
}
