import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isDigest } from '../contract';
import type { Digest } from '../contract';
import { forEachBounded, inBatches } from './bounded';
import { atPlace, errorCode, placeFailure } from './failures';
import { inThread } from './file-threads';
import { readJson } from './json-files';
import { PARTIAL } from './partial-blobs';
import { HINTS } from './store';
import { MEMBER, STAT_NUMBERS } from './threads/scan-folders';

const FOLDERS_OF_A_THREAD = 16;
const READ_AT_ONCE = 32;
const HEX = /^[0-9a-f]{64}$/;
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
  /** What it names. */
  readonly digests: readonly Digest[];
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
}

export async function readContents(directory: string): Promise<StoreContents> {
  const { blobs, incoming } = await readBlobs(join(directory, 'blobs'));
  const [results, records, begun, quarantined, seenFolders] = await Promise.all(
    ['actions', 'records', 'incoming', 'quarantine', 'stat-cache'].map((folder) => filesOf([join(directory, folder)])),
  );
  const isDownload = ({ path }: StoredFile): boolean => nameOf(path).startsWith(PARTIAL);
  const keepers = [...(await keepersOf('result', results ?? [])), ...(await keepersOf('record', records ?? []))];
  return {
    blobs,
    keepers,
    incoming: [...incoming, ...(begun ?? []).filter((file) => !isDownload(file))],
    downloads: (begun ?? []).filter(isDownload),
    quarantined: quarantined ?? [],
    seenFolders: seenFolders ?? [],
  };
}

async function readBlobs(folder: string): Promise<Pick<StoreContents, 'blobs' | 'incoming'>> {
  const blobs = new Map<Digest, StoredFile>();
  const incoming: StoredFile[] = [];
  const folders = await subfolders(folder);
  await forEachBounded(inBatches(folders, FOLDERS_OF_A_THREAD), READ_AT_ONCE, async (some) => {
    for (const file of await filesOf(some)) {
      const name = nameOf(file.path);
      const digest: unknown = `sha256:${name}`;
      if (isDigest(digest)) blobs.set(digest, file);
      else if (HEX.test(name.slice(0, 64))) incoming.push(file);
    }
  });
  return { blobs, incoming };
}

async function subfolders(folder: string): Promise<string[]> {
  const members = await atPlace(READ_FAILED, () => readdir(folder, { withFileTypes: true }).catch(emptyIfAbsent));
  return members.flatMap((member) => (member.isDirectory() ? [join(folder, member.name)] : []));
}

async function filesOf(folders: string[]): Promise<StoredFile[]> {
  const scans = await inThread('scanFolders', { folders, maxMembers: Infinity });
  return scans.flatMap((scan, at) => {
    if ('code' in scan) {
      if (scan.code === 'ENOENT') return [];
      throw placeFailure(READ_FAILED, scan.code);
    }
    return scan.names.flatMap((name, member) => {
      if (scan.kinds[member] !== MEMBER.file) return [];
      const [, , size = 0, usedAt = 0] = scan.stats.subarray(member * STAT_NUMBERS, (member + 1) * STAT_NUMBERS);
      return [{ path: `${folders[at]}/${name}`, size, usedAt }];
    });
  });
}

async function keepersOf(kind: Keeper['kind'], files: readonly StoredFile[]): Promise<Keeper[]> {
  const keepers: Keeper[] = [];
  await forEachBounded(files, READ_AT_ONCE, async (file) => {
    const name = keeperName(kind, file.path);
    if (name === null || name.startsWith(HINTS)) return;
    const value = await atPlace(READ_FAILED, () => readJson(file.path).catch(nullIfNotJson));
    keepers.push({ ...file, kind, name, digests: digestsIn(value).filter((digest) => digest !== name) });
  });
  return keepers;
}

function keeperName(kind: Keeper['kind'], path: string): string | null {
  const file = nameOf(path);
  if (!file.endsWith('.json')) return null;
  const name = file.slice(0, -'.json'.length);
  return kind === 'result' ? `sha256:${name}` : decodeURIComponent(name);
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

function nullIfNotJson(error: unknown): null {
  if (error instanceof SyntaxError) return null;
  throw error;
}
