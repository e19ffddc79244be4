import type { Readable } from 'node:stream';
import type { ActionResult, BlobRef, Digest, TreeRef } from '../contract';
import type { SpaceAdmission, SpaceWaiting } from './space-admission';

/** How the names of records begin that only say what was seen; their digests may name what is gone. */
export const HINTS = 'hints/';

/** One member of a directory in the store. */
export type TreeEntry =
  | { readonly kind: 'file'; readonly digest: Digest; readonly size: number; readonly executable: boolean }
  | { readonly kind: 'directory'; readonly digest: Digest };

export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface PutTreeOptions {
  /** Path relative to the root, `/`-separated; true leaves it (and what is below it) out. */
  readonly exclude?: (path: string) => boolean;
  /**
   * `follow` takes a file that a link inside the tree names, and refuses one that leads out of it (people's folders);
   * `refuse` throws `InvalidRequest` at the first link (outputs of containers). Devices, FIFOs and sockets are always refused.
   */
  readonly links: 'follow' | 'refuse';
  readonly maxBytes?: number;
  readonly maxFiles?: number;
  /** Keeps what was seen of the files, so that an unchanged folder is not read again the next time (people's folders). */
  readonly remember?: boolean;
  readonly signal?: AbortSignal;
}

/** A content on its way into the store. Ends with one of `finish`, `keep` and `discard`. */
export interface PartialBlob {
  /** Bytes that are there. */
  readonly size: number;
  /** What told its source's versions apart when it was begun, such as an ETag. */
  readonly validator: string | null;
  /** Throws away what is there and begins anew. */
  begin(validator: string | null): Promise<void>;
  write(parts: readonly Uint8Array[]): Promise<void>;
  finish(): Promise<BlobRef>;
  /** Leaves what is there for whoever asks for the same name next, in this process or another. */
  keep(): Promise<void>;
  discard(): Promise<void>;
}

/** Contents that are written together. */
export interface ContentBatch {
  /** A small content; a large one goes by {@link Store.putStream}. */
  putBytes(bytes: Uint8Array): Promise<BlobRef>;
  /** A folder's listing, whose members were put before it. */
  putListing(bytes: Uint8Array): Promise<BlobRef>;
}

/**
 * Content-addressed blobs and trees, and small named records that point into them.
 * Every write is atomic and safe for many processes at once. All errors are `MedperfError`s:
 * `StoreUnavailable` when the place fails, `InvalidRequest` when the content is refused.
 */
export interface Store {
  /** The room where new contents are written. */
  readonly space: SpaceAdmission;
  has(digest: Digest): Promise<boolean>;
  /** Bytes of a blob, or null when the store does not have it. */
  sizeOf(digest: Digest): Promise<number | null>;
  putBytes(bytes: Uint8Array | string): Promise<BlobRef>;
  putFile(path: string, signal?: AbortSignal): Promise<BlobRef>;
  /** Streams into the store, hashed on the way; throws `InvalidRequest` beyond `maxBytes`. */
  putStream(stream: AsyncIterable<Uint8Array>, options?: { maxBytes?: number; signal?: AbortSignal }): Promise<BlobRef>;
  /** Puts many small contents at the speed of few large ones; all are there when this is done, after a failure some may be. */
  putBatch<T>(put: (batch: ContentBatch) => Promise<T>): Promise<T>;
  /** A content that comes in parts; what was kept under the same name before is gone on with. */
  openPartial(name: string): Promise<PartialBlob>;
  putTree(directory: string, options: PutTreeOptions): Promise<TreeRef>;
  /** A tree made of entries that are in the store already; directories are given as digests. */
  composeTree(entries: Readonly<Record<string, TreeEntry>>): Promise<TreeRef>;

  /** `range`: bytes from `start` up to but without `end`. */
  openRead(digest: Digest, range?: ByteRange): Promise<Readable>;
  /** Contents of many small blobs, in the order asked for; throws `StoreUnavailable` when one is missing or has another size. */
  readMany(blobs: readonly BlobRef[]): Promise<Uint8Array[]>;
  /** Reads a whole blob; throws `InvalidRequest` when it is larger than `maxBytes` (default 16 MiB). */
  readBytes(digest: Digest, maxBytes?: number): Promise<Buffer>;
  /** Hashes a whole blob; throws `StoreUnavailable` when it is missing or damaged, and moves a damaged one into quarantine. */
  check(digest: Digest, waiting?: SpaceWaiting): Promise<void>;
  /** True when a file is there and sound, or every folder of a tree is, and its files with their sizes. */
  isWhole(digest: Digest): Promise<boolean>;
  listDirectory(tree: Digest): Promise<Readonly<Record<string, TreeEntry>>>;
  /** The member at a `/`-separated path (`''` is the tree itself), or null. Never leaves the tree. */
  lookUp(tree: Digest, path: string): Promise<TreeEntry | null>;
  /**
   * Writes a tree into `target`, which must not exist or be empty. `link` hard-links blobs (read-only use by containers
   * in folders that we own), `copy` copies (people's folders). With `waiting`, what has to be fetched first waits until
   * this host's disk has the room.
   */
  materialise(tree: Digest, target: string, how: 'link' | 'copy', waiting?: SpaceWaiting): Promise<void>;
  materialiseFile(blob: Digest, target: string, how: 'link' | 'copy'): Promise<void>;

  findActionResult(key: Digest): Promise<ActionResult | null>;
  recordActionResult(result: ActionResult): Promise<void>;
  /**
   * A named pointer, such as the last known record of a registry's cube; `name` is `/`-separated words. The clean-up keeps
   * what a record's digests name for as long as it keeps the record; a record below {@link HINTS} keeps nothing.
   */
  readRecord(name: string): Promise<unknown>;
  writeRecord(name: string, value: unknown): Promise<void>;
  /** Names of the records that begin with `prefix`, sorted. */
  listRecords(prefix: string): Promise<string[]>;
}
