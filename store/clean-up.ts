import type { Digest } from '../contract';
import { BlobFiles } from './blob-files';
import { inBatches } from './bounded';
import { placeFailure } from './failures';
import { inThread } from './file-threads';
import { Holdings } from './holdings';
import { readContents, total } from './store-contents';
import type { FilesAndBytes, Keeper, StoreContents, StoredFile } from './store-contents';
import { StoredTrees } from './stored-trees';

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

/**
 * Removes what nothing reaches: no result, no record, no running work, no recent use. Under a limit, the results and
 * records that were used longest ago go first. Safe beside any number of readers and writers, and at any moment of a kill.
 */
export async function cleanUp(directory: string, options: CleanUpOptions): Promise<CleanedUp> {
  const { dryRun = false, sparedMs = DAY_MS, limitBytes = Infinity, signal } = options;
  const files = new BlobFiles(directory);
  const since = Date.now() - Math.max(sparedMs, 2 * HOUR_MS);
  // Before the look: who trusts what an earlier look remembers is seen by this one, others look again.
  if (!dryRun) await files.newGeneration();
  const contents = options.isCache === true ? ofCache(await readContents(directory)) : await readContents(directory);
  const trees = new StoredTrees(contents.blobs, files);
  const holdings = new Holdings(contents.blobs, trees);
  for await (const pin of options.pins) await holdings.hold([pin]);
  await holdings.hold(usedSince(contents, since));
  const spared = { files: holdings.count, bytes: holdings.bytes };
  const doomed = await chooseKeepers(contents, holdings, { limitBytes, since });

  const remove = (some: readonly StoredFile[], before: number): Promise<StoredFile[]> =>
    dryRun ? Promise.resolve(some.filter(({ usedAt }) => usedAt < before)) : removeUnused(some, before, signal);
  const dropped = new Set<StoredFile>(
    await remove(
      doomed.filter(({ kind }) => kind !== 'blob'),
      since,
    ),
  );
  for (const keeper of doomed) if (keeper.kind !== 'blob' && !dropped.has(keeper)) await holdings.hold(keeper.digests);
  const unheld = await trees.foldersFirst([...contents.blobs.keys()].filter((digest) => !holdings.has(digest)));
  const removed = total(
    await remove(
      unheld.flatMap((digest) => contents.blobs.get(digest) ?? []),
      since,
    ),
  );
  const leftOvers: StoredFile[] = [];
  for (const kind of ['incoming', 'downloads', 'quarantined', 'seenFolders'] as const)
    leftOvers.push(...(await remove(contents[kind], Date.now() - LEFT_OVER_MS[kind])));
  const all = total(contents.blobs.values());
  return {
    removed,
    dropped: {
      results: doomed.filter((keeper) => keeper.kind === 'result' && dropped.has(keeper)).length,
      records: doomed.filter((keeper) => keeper.kind === 'record' && dropped.has(keeper)).length,
    },
    leftOvers: total(leftOvers),
    kept: { files: all.files - removed.files, bytes: all.bytes - removed.bytes },
    spared,
  };
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
async function removeUnused(
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
