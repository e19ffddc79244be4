import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { digestsOfRunningWork } from '../../client';
import { isDigest } from '../../contract';
import type { Digest } from '../../contract';
import type { CleanedUp } from '../../store/clean-up';
import type { FilesAndBytes } from '../../store/store-contents';
import type { StoreUsage } from '../../store/store-usage';
import { isSound } from '../../store/verify';
import type { StoreReport } from '../../store/verify';
import { byteSize, shownBytes } from '../byte-sizes';
import { define } from '../command';
import { EXIT } from '../exit-codes';
import { openUpkeep } from '../open-store';
import type { StoreUpkeep } from '../open-store';
import { withAnySession } from '../session';
import type { Cli } from '../session';
import { listEntry, listKeepers } from '../store-listing';
import { table } from '../tables';

const HOUR_MS = 3_600_000;
const CACHE = "this host's cache of a store in a bucket, instead of the bucket";

interface PlaceArguments {
  /** This host's directory in front of a bucket, and not the bucket. */
  readonly cache?: boolean;
}

interface CleanUpArguments extends PlaceArguments {
  readonly limit?: number;
  readonly unusedFor: number;
  readonly dryRun?: boolean;
}

export function addStoreCommands(program: Command): void {
  const store = program.command('store').description('Look at what the store keeps, check it and clean it up');
  define(
    store
      .command('ls')
      .description('List results and records, the latest used first; or what lies below a digest')
      .argument('[digest]', 'of a tree or a file')
      .argument('[path]', 'inside the tree'),
    ['store ls', 'store ls sha256:88dd1c…', 'store ls sha256:88dd1c… workspace'],
    (cli, _options, [digest, path = '']) =>
      digest === undefined ? listKeepers(cli) : listEntry(cli, wanted(digest), path),
  );
  define(
    store.command('du').description('Tell what the store takes, and for what').option('--cache', CACHE),
    ['store du'],
    showUsage,
  );
  define(
    store
      .command('verify')
      .description('Hash everything that the store keeps, and look for everything that it should keep')
      .option('--quarantine', 'move what is damaged away, so that it can be put or fetched again')
      .option('--cache', CACHE),
    ['store verify', 'store verify --quarantine --json'],
    verify,
  );
  define(
    store
      .command('gc')
      .description('Remove what no result, record or run needs; with a limit, also what was used longest ago')
      .option('--limit <size>', 'how much may stay, such as 200GiB', byteSize)
      .option('--unused-for <hours>', 'spare what was used more recently; 2 at least', hours, 24)
      .option('--dry-run', 'only tell what would go')
      .option('--cache', CACHE),
    ['store gc', 'store gc --limit 200GiB --dry-run'],
    collect,
  );
}

async function showUsage(cli: Cli, { cache = false }: PlaceArguments): Promise<void> {
  const usage = await withUpkeep(cli, cache, (upkeep) => upkeep.usage());
  cli.output.result(usage, () => usageTable(usage));
}

async function verify(
  cli: Cli,
  { quarantine = false, cache = false }: PlaceArguments & { quarantine?: boolean },
): Promise<number> {
  const report = await withUpkeep(cli, cache, (upkeep) => upkeep.verify({ quarantine }));
  cli.output.result(report, () => reportText(report));
  return isSound(report) ? EXIT.done : EXIT.failed;
}

async function withUpkeep<T>(cli: Cli, cache: boolean, work: (upkeep: StoreUpkeep) => Promise<T>): Promise<T> {
  const upkeep = openUpkeep(cli.places, cache);
  return work(upkeep).finally(upkeep.close);
}

function reportText({ blobs, bytes, damaged, missing, unreadable, foreign, leftOvers }: StoreReport): string {
  const needed = (by: readonly string[]): string =>
    by.length === 0 ? 'nothing needs it' : `needed by ${by.join(', ')}`;
  return [
    ...damaged.map(
      (blob) =>
        `damaged: ${blob.digest}; ${needed(blob.neededBy)}` +
        `${blob.quarantined ? '; moved away' : ''}${blob.repaired ? ', and put again from the cache' : ''}`,
    ),
    ...missing.map(({ digest, neededBy }) => `missing: ${digest}; ${needed(neededBy)}`),
    ...unreadable.map((name) => `no JSON: ${name}`),
    ...foreign.map((path) => `not the store's: ${path}`),
    `${shown({ files: blobs, bytes })} looked at: ${damaged.length} damaged, ${missing.length} missing, ` +
      `${unreadable.length} unreadable, ${foreign.length} foreign; ${leftOvers.length} on their way in, or left there.`,
  ].join('\n');
}

/** The histories of open runs tell what they need: without Temporal nothing is removed. */
function collect(cli: Cli, { limit, unusedFor, dryRun = false, cache = false }: CleanUpArguments): Promise<void> {
  return withAnySession(cli, async ({ temporal }) => {
    const told = await withUpkeep(cli, cache, (upkeep) =>
      upkeep.cleanUp({
        pins: digestsOfRunningWork(temporal.client),
        sparedMs: unusedFor * HOUR_MS,
        dryRun,
        ...(limit === undefined ? {} : { limitBytes: limit }),
      }),
    );
    cli.output.result(told, () => cleanedText(told, dryRun, limit));
  });
}

function cleanedText(
  { removed, dropped, leftOvers, kept, spared }: CleanedUp,
  dryRun: boolean,
  limit = Infinity,
): string {
  const lines = [
    `${dryRun ? 'Would remove' : 'Removed'} ${shown(removed)}, ${dropped.results} results, ${dropped.records} records ` +
      `and ${shown(leftOvers)} that interrupted work left.`,
    `${dryRun ? 'Would keep' : 'Kept'} ${shown(kept)}; running work and recent use need ${shown(spared)} of it.`,
  ];
  if (kept.bytes > limit)
    lines.push(`That is more than the limit of ${shownBytes(limit)}: the rest goes when it is needed no longer.`);
  return lines.join('\n');
}

function usageTable({ blobs, reached, results, records, ...others }: StoreUsage): string {
  const row = (name: string, { files, bytes }: FilesAndBytes): [string, number, string] => [
    name,
    files,
    shownBytes(bytes),
  ];
  const { freeBytes } = others;
  return [
    table(
      ['What', 'Files', 'Size'],
      [
        row('contents', blobs),
        row(`  needed by ${results} results and ${records} records`, reached),
        row('on their way in, or left there', others.incoming),
        row('found damaged', others.quarantined),
        row('notes on the folders that were put in', others.seenFolders),
      ],
    ),
    ...(freeBytes === null ? [] : [`free on its disk: ${shownBytes(freeBytes)}`]),
  ].join('\n');
}

function shown({ files, bytes }: FilesAndBytes): string {
  return `${files} files (${shownBytes(bytes)})`;
}

function wanted(text: string): Digest {
  const digest = text.startsWith('sha256:') ? text : `sha256:${text}`;
  if (isDigest(digest)) return digest;
  throw new InvalidArgumentError('Expected a digest: sha256: and 64 hex digits.');
}

function hours(text: string): number {
  const count = Number(text);
  if (/^\d{1,5}$/.test(text) && count >= 2) return count;
  throw new InvalidArgumentError('Expected a number of hours, 2 at least.');
}
