import { stat } from 'node:fs/promises';
import { relative } from 'node:path';
import { MedperfError, toMedperfHash } from '../contract';
import type { BlobRef, Digest } from '../contract';
import { BlobFiles } from './blob-files';
import { forEachBounded } from './bounded';
import { atPlace, errorCode } from './failures';
import { inThread } from './file-threads';
import { readContents } from './store-contents';
import type { Keeper, StoreContents } from './store-contents';
import { decodeListing, encodeListing, LISTING_BEGINS, MAX_LISTING_BYTES } from './tree-listing';
import type { ListingEntry } from './tree-listing';

/** Blobs that are hashed in one go, some goes side by side. */
const BLOBS_OF_AN_ORDER = 256;
const BYTES_OF_AN_ORDER = 16 * 1024 * 1024;
const ORDERS_AT_ONCE = 16;

export interface VerifyOptions {
  /** Moves damaged blobs away, so that nobody reads them and they can be put again. */
  readonly quarantine?: boolean;
  readonly signal?: AbortSignal;
  /** Bytes that were hashed so far, and all that will be. */
  readonly onProgress?: (checked: number, total: number) => void;
}

/** A blob whose bytes are not those that its name promises. */
export interface DamagedBlob extends BlobRef {
  /** The SHA-256 of what is there, or the system's error that kept it from being read. */
  readonly found: Digest | { readonly code: string };
  readonly quarantined: boolean;
  /** A sound copy was at hand, and is in its place now. */
  readonly repaired: boolean;
  /** Results, records and folders that name it, such as `record cube-trees/…` or `folder sha256:…`; sorted. */
  readonly neededBy: readonly string[];
}

/** A blob that the store does not have, though something names it. */
export interface MissingBlob {
  readonly digest: Digest;
  /** As in {@link DamagedBlob}. */
  readonly neededBy: readonly string[];
}

export interface StoreReport {
  readonly blobs: number;
  /** Of all blobs. */
  readonly bytes: number;
  readonly damaged: readonly DamagedBlob[];
  readonly missing: readonly MissingBlob[];
  /** Results and records that are no JSON; they count as not there, and are written again when they are next needed. */
  readonly unreadable: readonly string[];
  /** What no store put among the blobs, as paths below the store's directory. */
  readonly foreign: readonly string[];
  /** What is on its way in, or was left by processes that died: the clean-up removes it when it is old. The same paths. */
  readonly leftOvers: readonly string[];
}

/** True when nothing is wrong; left-overs are not. */
export function isSound({ damaged, missing, unreadable, foreign }: StoreReport): boolean {
  return [damaged, missing, unreadable, foreign].every(({ length }) => length === 0);
}

/** The hash of a blob, and whether it begins as a listing does; or why its bytes cannot be had. */
export type HashAnswer = { readonly hex: string; readonly begins: boolean } | { readonly code: string };

/** Where a store keeps its contents, as the verification sees it. Nothing here counts as a use. */
export interface VerifiedPlace {
  read(): Promise<StoreContents>;
  /** Of what was removed meanwhile, `ENOENT`. Where `stop` becomes 1 it ends early. */
  hash(blobs: readonly BlobRef[], stop: Int32Array, signal: AbortSignal | undefined): Promise<readonly HashAnswer[]>;
  readBytes(blob: Digest, maxBytes: number): Promise<Uint8Array>;
  /** As `StoredFile.path` names it. */
  pathOf(blob: Digest): string;
  isThere(path: string): Promise<boolean>;
  /** The path as people see it. */
  shown(path: string): string;
  /** @returns whether a sound copy took the place of the damaged one. */
  quarantine(blob: BlobRef): Promise<boolean>;
  /** Whoever remembers that something is there looks again. */
  forgetWhatWasSeen(): Promise<void>;
}

/**
 * Reads and hashes every blob of a file store and looks for every blob that a result, a record or a folder names. Safe
 * beside running work. What it finds gone or damaged, people's folders are looked at for again when they are next put.
 */
export function verifyStore(directory: string, options: VerifyOptions = {}): Promise<StoreReport> {
  const files = new BlobFiles(directory);
  const place: VerifiedPlace = {
    read: () => readContents(directory),
    hash: async (blobs, stop, signal) => {
      const paths = blobs.map(({ digest }) => files.path(digest));
      return inThread('hashFiles', { paths, text: LISTING_BEGINS, stop }, signal);
    },
    readBytes: (blob, maxBytes) => files.readBytes(blob, maxBytes),
    pathOf: (blob) => files.path(blob),
    isThere,
    shown: (path) => relative(directory, path),
    quarantine: async ({ digest }) => {
      await files.quarantine(digest);
      return false;
    },
    forgetWhatWasSeen: async () => {
      await files.newGeneration();
    },
  };
  return verifyPlace(place, options);
}

/** {@link verifyStore} of any place. */
export async function verifyPlace(place: VerifiedPlace, options: VerifyOptions): Promise<StoreReport> {
  const { signal, quarantine = false } = options;
  const { keepers, ...found } = await place.read();
  const blobs = [...found.blobs].map(([digest, { size }]) => ({ digest, size }));
  const hashed = await hashAll(place, blobs, options);
  signal?.throwIfAborted();

  const needs = new Needs(place, hashed.sound);
  for (const keeper of keepers) needs.addKeeper(keeper);
  for (const listing of hashed.listings) await needs.addListing(listing, signal);
  const missing = await needs.missing(hashed.damaged);
  const damaged: DamagedBlob[] = [];
  for (const blob of hashed.damaged) {
    const repaired = quarantine && (await place.quarantine(blob));
    damaged.push({ ...blob, quarantined: quarantine, repaired, neededBy: await needs.of(blob.digest) });
  }
  if (missing.length > 0) await place.forgetWhatWasSeen();
  return {
    blobs: blobs.length,
    bytes: blobs.reduce((sum, { size }) => sum + size, 0),
    damaged,
    missing,
    unreadable: keepers.flatMap(({ kind, name, isReadable }) => (isReadable ? [] : [`${kind} ${name}`])).sort(),
    foreign: found.foreign.map((path) => place.shown(path)).sort(),
    leftOvers: [...found.incoming, ...found.downloads].map(({ path }) => place.shown(path)).sort(),
  };
}

interface Hashed {
  readonly sound: Set<Digest>;
  readonly damaged: Pick<DamagedBlob, 'digest' | 'size' | 'found'>[];
  /** Blobs that look like a folder. */
  readonly listings: Digest[];
}

async function hashAll(place: VerifiedPlace, blobs: readonly BlobRef[], options: VerifyOptions): Promise<Hashed> {
  const { signal, onProgress } = options;
  const hashed: Hashed = { sound: new Set(), damaged: [], listings: [] };
  const total = blobs.reduce((sum, { size }) => sum + size, 0);
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const halt = (): void => void Atomics.store(stop, 0, 1);
  signal?.addEventListener('abort', halt, { once: true });
  try {
    let checked = 0;
    await forEachBounded(inOrders(blobs), ORDERS_AT_ONCE, async (some) => {
      const answers = await place.hash(some, stop, signal);
      signal?.throwIfAborted();
      for (const [at, blob] of some.entries()) {
        const answer = answers[at];
        if (answer !== undefined) judge(blob, answer, hashed);
        checked += blob.size;
      }
      onProgress?.(checked, total);
    });
  } finally {
    signal?.removeEventListener('abort', halt);
  }
  return hashed;
}

function judge(blob: BlobRef, answer: HashAnswer, { sound, damaged, listings }: Hashed): void {
  if ('code' in answer) {
    // Removed meanwhile, by the clean-up or by whoever found it damaged.
    if (answer.code !== 'ENOENT') damaged.push({ ...blob, found: answer });
    return;
  }
  if (answer.hex !== toMedperfHash(blob.digest)) {
    damaged.push({ ...blob, found: `sha256:${answer.hex}` });
    return;
  }
  sound.add(blob.digest);
  if (answer.begins && blob.size <= MAX_LISTING_BYTES) listings.push(blob.digest);
}

/** What is named and was not seen, and by what. */
class Needs {
  private readonly wanted = new Map<Digest, { readonly name: string; readonly path: string }[]>();

  constructor(
    private readonly place: VerifiedPlace,
    private readonly sound: ReadonlySet<Digest>,
  ) {}

  addKeeper({ kind, name, path, digests }: Keeper): void {
    for (const digest of digests) this.add(digest, `${kind} ${name}`, path);
  }

  async addListing(tree: Digest, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    const path = this.place.pathOf(tree);
    for (const { digest } of await entriesOf(this.place, tree)) this.add(digest, `folder ${tree}`, path);
  }

  async missing(damaged: Hashed['damaged']): Promise<MissingBlob[]> {
    const missing: MissingBlob[] = [];
    for (const digest of this.wanted.keys()) {
      // What came since the folders were looked at is no fault.
      if (damaged.some((blob) => blob.digest === digest)) continue;
      if (await this.place.isThere(this.place.pathOf(digest))) continue;
      const neededBy = await this.of(digest);
      if (neededBy.length > 0) missing.push({ digest, neededBy });
    }
    return missing.sort((a, b) => (a.digest < b.digest ? -1 : 1));
  }

  /** Names of those that need it and are still there. */
  async of(digest: Digest): Promise<string[]> {
    const names: string[] = [];
    for (const { name, path } of this.wanted.get(digest) ?? []) if (await this.place.isThere(path)) names.push(name);
    return names.sort();
  }

  private add(digest: Digest, name: string, path: string): void {
    if (this.sound.has(digest)) return;
    const asking = this.wanted.get(digest) ?? [];
    asking.push({ name, path });
    this.wanted.set(digest, asking);
  }
}

/** Does not count as a use. */
async function isThere(path: string): Promise<boolean> {
  return atPlace('The store could not be read.', () =>
    stat(path).then(
      () => true,
      (error: unknown) => {
        if (errorCode(error) === 'ENOENT') return false;
        throw error;
      },
    ),
  );
}

/** None for a file that only begins like a listing, and for what was removed meanwhile. */
async function entriesOf(place: VerifiedPlace, tree: Digest): Promise<readonly ListingEntry[]> {
  try {
    const bytes = Buffer.from(await place.readBytes(tree, MAX_LISTING_BYTES));
    const entries = decodeListing(bytes, tree);
    return encodeListing(entries) === bytes.toString() ? entries : [];
  } catch (error) {
    if (error instanceof MedperfError) return [];
    throw error;
  }
}

function inOrders(blobs: readonly BlobRef[]): BlobRef[][] {
  const orders: BlobRef[][] = [];
  let order: BlobRef[] = [];
  let bytes = 0;
  for (const blob of blobs) {
    order.push(blob);
    bytes += blob.size;
    if (order.length < BLOBS_OF_AN_ORDER && bytes < BYTES_OF_AN_ORDER) continue;
    orders.push(order);
    order = [];
    bytes = 0;
  }
  if (order.length > 0) orders.push(order);
  return orders;
}
