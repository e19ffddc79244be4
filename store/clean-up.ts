import type { Digest } from '../contract';
import { BlobFiles } from './blob-files';
import { inBatches } from './bounded';
import { placeFailure } from './failures';
import { inThread } from './file-threads';
import { Holdings } from './holdings';
import { readContents, total } from './store-contents';
import type { FilesAndBytes, Keeper, StoreContents, StoredFile } from './store-contents';
import { readingOf, StoredTrees } from './stored-trees';
import type { BlobReading } from './stored-trees';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** After so long nobody writes on, goes on with a download, looks at a damaged blob or remembers a folder. */
const LEFT_OVER_MS = {
  incoming: DAY_MS,
  downloads: 7 * DAY_MS,
  quarantined: 30 * DAY_MS,
  seenFolders: 30 * DAY_MS,
} as const;
const REMOVED_AT_ONCE = 2_000;

export interface CleanUpOptions {
  /** Bytes that the blobs may take; the results and records that were used longest ago give way. None when left out. */
  readonly limitBytes?: number;
  /** What running work needs. */
  readonly pins: AsyncIterable<Digest> | Iterable<Digest>;
  /** What was used within so many milliseconds stays: work that is not pinned yet may need it. Not below two hours. */
  readonly sparedMs?: number;
  /** The directory only spares fetching: what was used longest ago may go, whatever reaches it. */
  readonly isCache?: boolean;
  /** Only tell what would be removed. */
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
}

export interface CleanedUp {
  readonly removed: FilesAndBytes;
  /** Action results and records that gave way, and those whose contents are gone. */
  readonly dropped: { readonly results: number; readonly records: number };
  /** Files that died processes, old downloads and old damage left. */
  readonly leftOvers: FilesAndBytes;
  readonly kept: FilesAndBytes;
  /** Of what is kept, what running work or recent use holds whatever the limit. */
  readonly spared: FilesAndBytes;
}

/** Where a store keeps its contents, as the clean-up sees it. */
export interface CleanedPlace {
  /** Reads all of it. Before a removal, whoever trusts what an earlier look remembers is made to look again. */
  read(forRemoval: boolean): Promise<{
    readonly contents: StoreContents;
    readonly reading: BlobReading;
    /** Milliseconds since 1970 by the clock that dates the contents. */
    readonly now: number;
  }>;
  /** Removes those that were not used since `before`, also not meanwhile, and answers them. */
  removeUnused(files: readonly StoredFile[], before: number, signal: AbortSignal | undefined): Promise<StoredFile[]>;
}

/**
 * Removes what nothing reaches from a file store: no result, no record, no running work, no recent use. Under a limit, the
 * results and records that were used longest ago go first. Safe beside any number of readers and writers, and at any moment
 * of a kill.
 */
export function cleanUp(directory: string, options: CleanUpOptions): Promise<CleanedUp> {
  const files = new BlobFiles(directory);
  const place: CleanedPlace = {
    read: async (forRemoval) => {
      // Before the look: who trusts what an earlier look remembers is seen by this one, others look again.
      if (forRemoval) await files.newGeneration();
      const contents = await readContents(directory);
      return {
        contents: options.isCache === true ? ofCache(contents) : contents,
        reading: readingOf(files),
        now: Date.now(),
      };
    },
    removeUnused: removeUnusedFiles,
  };
  return cleanUpPlace(place, options);
}

/** {@link cleanUp} of any place. */
export async function cleanUpPlace(place: CleanedPlace, options: CleanUpOptions): Promise<CleanedUp> {
  const { dryRun = false, sparedMs = DAY_MS, limitBytes = Infinity, signal } = options;
  const { contents, reading, now } = await place.read(!dryRun);
  const since = now - Math.max(sparedMs, 2 * HOUR_MS);
  const trees = new StoredTrees(contents.blobs, reading);
  const holdings = new Holdings(contents.blobs, trees);
  for await (const pin of options.pins) await holdings.hold([pin]);
  await holdings.hold(usedSince(contents, since));
  const spared = { files: holdings.count, bytes: holdings.bytes };
  const doomed = await chooseKeepers(contents, holdings, { limitBytes, since });

  const remove = (some: readonly StoredFile[], before: number): Promise<StoredFile[]> =>
    dryRun ? Promise.resolve(some.filter(({ usedAt }) => usedAt < before)) : place.removeUnused(some, before, signal);
  const keepers = doomed.filter(({ kind }) => kind !== 'blob');
  const dropped = new Set<StoredFile>(await remove(keepers, since));
  for (const keeper of keepers) if (!dropped.has(keeper)) await holdings.hold(keeper.digests);
  const removed = total(await removeUnheld(contents.blobs, trees, holdings, (some) => remove(some, since)));
  const leftOvers: StoredFile[] = [];
  for (const kind of ['incoming', 'downloads', 'quarantined', 'seenFolders'] as const)
    leftOvers.push(...(await remove(contents[kind], now - LEFT_OVER_MS[kind])));
  const all = total(contents.blobs.values());
  return {
    removed,
    dropped: {
      results: keepers.filter((keeper) => keeper.kind === 'result' && dropped.has(keeper)).length,
      records: keepers.filter((keeper) => keeper.kind === 'record' && dropped.has(keeper)).length,
    },
    leftOvers: total(leftOvers),
    kept: { files: all.files - removed.files, bytes: all.bytes - removed.bytes },
    spared,
  };
}

/** Folders go before what is in them; one that was used meanwhile keeps it. */
async function removeUnheld(
  blobs: StoreContents['blobs'],
  trees: StoredTrees,
  holdings: Holdings,
  remove: (some: readonly StoredFile[]) => Promise<StoredFile[]>,
): Promise<StoredFile[]> {
  const unheld = [...blobs.keys()].filter((digest) => !holdings.has(digest));
  const all: StoredFile[] = [];
  for (const level of await trees.foldersFirst(unheld)) {
    const going = level.filter((digest) => !holdings.has(digest));
    const removed = new Set(await remove(going.flatMap((digest) => blobs.get(digest) ?? [])));
    all.push(...removed);
    for (const digest of going) {
      const blob = blobs.get(digest);
      if (blob !== undefined && !removed.has(blob)) await holdings.hold([digest]);
    }
  }
  return all;
}

function usedSince({ blobs, keepers }: StoreContents, since: number): Digest[] {
  return [
    ...[...blobs].flatMap(([digest, { usedAt }]) => (usedAt >= since ? [digest] : [])),
    ...keepers.flatMap(({ digests, usedAt }) => (usedAt >= since ? digests : [])),
  ];
}

/** As if every blob were kept by itself alone. */
function ofCache(contents: StoreContents): StoreContents {
  const keepers = [...contents.blobs].map(([digest, blob]): Keeper => ({
    ...blob,
    kind: 'blob',
    name: digest,
    digests: [digest],
    isReadable: true,
  }));
  return { ...contents, keepers };
}

/** Holds what the keepers reach, the latest used first, as long as there is room; answers those that are to go. */
async function chooseKeepers(
  { keepers, blobs }: StoreContents,
  holdings: Holdings,
  { limitBytes, since }: { limitBytes: number; since: number },
): Promise<Keeper[]> {
  const doomed: Keeper[] = [];
  let full = false;
  for (const keeper of [...keepers].sort((a, b) => b.usedAt - a.usedAt)) {
    if (keeper.digests.length === 0 || keeper.usedAt >= since) continue;
    // A result that lost an output would fail whoever takes it.
    const isWhole = keeper.kind !== 'result' || keeper.digests.every((digest) => blobs.has(digest));
    const room = full ? 0 : Math.max(0, limitBytes - holdings.bytes);
    if (isWhole && (await holdings.hold(keeper.digests, room))) continue;
    full ||= isWhole;
    doomed.push(keeper);
  }
  return doomed;
}

/** Answers those that were removed; what was used meanwhile stays. */
async function removeUnusedFiles(
  files: readonly StoredFile[],
  since: number,
  signal: AbortSignal | undefined,
): Promise<StoredFile[]> {
  const removed: StoredFile[] = [];
  for (const some of inBatches(files, REMOVED_AT_ONCE)) {
    const paths = some.map(({ path }) => path);
    const answers = await inThread('removeUnused', { paths, since }, signal);
    for (const [at, file] of some.entries()) {
      const answer = answers[at];
      if (typeof answer === 'object') throw placeFailure('The store could not remove a file.', answer.code);
      if (answer === 'removed') removed.push(file);
    }
  }
  return removed;
}
