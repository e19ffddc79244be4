import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isDigest } from '../contract';
import type { Digest } from '../contract';
import { forEachBounded, inBatches } from './bounded';
import { atPlace, errorCode, placeFailure } from './failures';
import { inThread } from './file-threads';
import { readJson } from './json-files';
import { PARTIAL } from './partial-blobs';
import { decodedName } from './record-forms';
import { HINTS } from './store';
import { MEMBER, STAT_NUMBERS } from './threads/scan-folders';

const FOLDERS_OF_A_THREAD = 16;
const READ_AT_ONCE = 32;
const FOLDER_OF_BLOBS = /^[0-9a-f]{2}$/;
const INCOMING_BLOB = /^[0-9a-f]{64}~/;
/** `writeJson` and the stat cache put a UUID behind the name that a file is to have. */
const DRAFT = /\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const READ_FAILED = 'The contents of the store could not be read.';

/** A file of the store. */
export interface StoredFile {
  readonly path: string;
  readonly size: number;
  /** Milliseconds since 1970; what was never used counts from when it was written. */
  readonly usedAt: number;
}

export interface FilesAndBytes {
  readonly files: number;
  readonly bytes: number;
}

/** What keeps contents: an action's result, or a record; in a cache every blob keeps itself. */
export interface Keeper extends StoredFile {
  readonly kind: 'result' | 'record' | 'blob';
  /** The action's key, or the record's name. */
  readonly name: string;
  /** What it names; nothing where it cannot be read. */
  readonly digests: readonly Digest[];
  /** False for what is no JSON: it counts as not there. */
  readonly isReadable: boolean;
}

/** Everything that lies in the directory of a file store. */
export interface StoreContents {
  readonly blobs: ReadonlyMap<Digest, StoredFile>;
  readonly keepers: readonly Keeper[];
  /** Files on their way in, or left there by processes that died. */
  readonly incoming: readonly StoredFile[];
  /** The same of downloads, which whoever asks for them next goes on with. */
  readonly downloads: readonly StoredFile[];
  readonly quarantined: readonly StoredFile[];
  /** What was seen of people's folders. */
  readonly seenFolders: readonly StoredFile[];
  /** Paths of what no store put among the blobs. */
  readonly foreign: readonly string[];
}

/** Keepers are looked at before the blobs, so that what comes meanwhile names nothing that was looked for too early. */
export async function readContents(directory: string): Promise<StoreContents> {
  const of = async (folder: string): Promise<[settled: StoredFile[], drafts: StoredFile[]]> => {
    const { files } = await membersOf([join(directory, folder)]);
    return [files.filter((file) => !isDraft(file)), files.filter(isDraft)];
  };
  const [results, resultDrafts] = await of('actions');
  const [records, recordDrafts] = await of('records');
  const keepers = [...(await keepersOf('result', results)), ...(await keepersOf('record', records))];
  const { blobs, incoming, foreign } = await readBlobs(join(directory, 'blobs'));
  const { files: begun } = await membersOf([join(directory, 'incoming')]);
  const { files: quarantined } = await membersOf([join(directory, 'quarantine')]);
  const [seenFolders, seenDrafts] = await of('stat-cache');
  const left = begun.filter((file) => !isDownload(file));
  return {
    blobs,
    keepers,
    incoming: [...incoming, ...left, ...resultDrafts, ...recordDrafts, ...seenDrafts],
    downloads: begun.filter(isDownload),
    quarantined,
    seenFolders,
    foreign,
  };
}

function isDraft({ path }: StoredFile): boolean {
  return DRAFT.test(path);
}

function isDownload({ path }: StoredFile): boolean {
  return nameOf(path).startsWith(PARTIAL);
}

interface FoundBlobs {
  readonly blobs: Map<Digest, StoredFile>;
  readonly incoming: StoredFile[];
  readonly foreign: string[];
}

async function readBlobs(folder: string): Promise<FoundBlobs> {
  const found: FoundBlobs = { blobs: new Map(), incoming: [], foreign: [] };
  const folders: string[] = [];
  const members = await atPlace(READ_FAILED, () => readdir(folder, { withFileTypes: true }).catch(emptyIfAbsent));
  for (const member of members) {
    const path = join(folder, member.name);
    if (member.isDirectory() && FOLDER_OF_BLOBS.test(member.name)) folders.push(path);
    else if (member.name !== 'generation') found.foreign.push(path);
  }
  await forEachBounded(inBatches(folders, FOLDERS_OF_A_THREAD), READ_AT_ONCE, async (some) => {
    const { files, others } = await membersOf(some);
    for (const path of others) found.foreign.push(path);
    for (const file of files) sortOut(file, found);
  });
  return found;
}

function sortOut(file: StoredFile, { blobs, incoming, foreign }: FoundBlobs): void {
  const [folder = '', name = ''] = file.path.split('/').slice(-2);
  const digest = `sha256:${name}`;
  if (isDigest(digest) && name.startsWith(folder)) blobs.set(digest, file);
  else if (INCOMING_BLOB.test(name)) incoming.push(file);
  else foreign.push(file.path);
}

/** The files of folders, and the paths of what else is in them; of a folder that is not there, none. */
async function membersOf(folders: string[]): Promise<{ files: StoredFile[]; others: string[] }> {
  const files: StoredFile[] = [];
  const others: string[] = [];
  const scans = await inThread('scanFolders', { folders, maxMembers: Infinity });
  for (const [at, scan] of scans.entries()) {
    if ('code' in scan) {
      if (scan.code === 'ENOENT') continue;
      throw placeFailure(READ_FAILED, scan.code);
    }
    for (const [member, name] of scan.names.entries()) {
      const path = `${folders[at]}/${name}`;
      const [, , size = 0, usedAt = 0] = scan.stats.subarray(member * STAT_NUMBERS, (member + 1) * STAT_NUMBERS);
      if (scan.kinds[member] === MEMBER.file) files.push({ path, size, usedAt });
      else others.push(path);
    }
  }
  return { files, others };
}

async function keepersOf(kind: 'result' | 'record', files: readonly StoredFile[]): Promise<Keeper[]> {
  const keepers: Keeper[] = [];
  await forEachBounded(files, READ_AT_ONCE, async (file) => {
    const name = keeperName(kind, file.path);
    if (name === null || name.startsWith(HINTS)) return;
    const value = await atPlace(READ_FAILED, () => readJson(file.path).catch(undefinedIfNotJson));
    // Gone meanwhile.
    if (value === null) return;
    const digests = digestsIn(value).filter((digest) => digest !== name);
    keepers.push({ ...file, kind, name, digests, isReadable: value !== undefined });
  });
  return keepers;
}

function keeperName(kind: 'result' | 'record', path: string): string | null {
  if (kind === 'record') return decodedName(nameOf(path));
  const [, hex] = /^([0-9a-f]{64})\.json$/.exec(nameOf(path)) ?? [];
  return hex === undefined ? null : `sha256:${hex}`;
}

/** Every digest that a JSON value holds at any depth. */
export function digestsIn(value: unknown): Digest[] {
  if (isDigest(value)) return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(digestsIn);
}

export function total(files: Iterable<StoredFile>): FilesAndBytes {
  let count = 0;
  let bytes = 0;
  for (const { size } of files) {
    count += 1;
    bytes += size;
  }
  return { files: count, bytes };
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function emptyIfAbsent(error: unknown): [] {
  if (errorCode(error) === 'ENOENT') return [];
  throw error;
}

function undefinedIfNotJson(error: unknown): undefined {
  if (error instanceof SyntaxError) return undefined;
  throw error;
}
