import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isDigest } from '../contract';
import type { BlobRef, Digest } from '../contract';
import { forEachBounded, inBatches } from './bounded';
import { atPlace, errorCode, placeFailure } from './failures';
import { inThread } from './file-threads';
import { readJson } from './json-files';
import { HINTS } from './store';
import { digestsIn } from './store-contents';
import { MEMBER, STAT_NUMBERS } from './threads/scan-folders';

const FOLDERS_OF_A_THREAD = 16;
const AT_ONCE = 16;
const READ_FAILED = 'The contents of the store could not be read.';
const FOLDER_OF_BLOBS = /^[0-9a-f]{2}$/;
const INCOMING_BLOB = /^[0-9a-f]{64}~/;
/** Who writes or removes a file puts a UUID behind its name. */
const DRAFT = /[.~][0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What lies in the folder of all blobs. */
export interface BlobsFound {
  readonly blobs: BlobRef[];
  /** Paths of what is on its way in, or was left there by a process that died. */
  readonly leftOvers: string[];
  /** Paths of what no store put there. */
  readonly foreign: string[];
}

/** A result or a record and what it names. */
export interface KeeperFound {
  readonly path: string;
  /** For people: `result sha256:…` or `record …`. */
  readonly name: string;
  /** Null when the file is not JSON. */
  readonly digests: readonly Digest[] | null;
}

/** Looks at every name below `blobs` of a store's directory. Paths are relative to it, so that they may be shown. */
export async function findBlobs(directory: string): Promise<BlobsFound> {
  const found: BlobsFound = { blobs: [], leftOvers: [], foreign: [] };
  const folders: string[] = [];
  for (const member of await membersOf(join(directory, 'blobs'))) {
    if (member.isDirectory() && FOLDER_OF_BLOBS.test(member.name)) folders.push(member.name);
    else if (member.name !== 'generation') found.foreign.push(`blobs/${member.name}`);
  }
  await forEachBounded(inBatches(folders, FOLDERS_OF_A_THREAD), AT_ONCE, (some) => addBlobs(directory, some, found));
  return found;
}

async function addBlobs(directory: string, names: readonly string[], found: BlobsFound): Promise<void> {
  const folders = names.map((name) => join(directory, 'blobs', name));
  const scans = await inThread('scanFolders', { folders, maxMembers: Infinity });
  for (const [at, scan] of scans.entries()) {
    const folder = names[at] ?? '';
    if ('code' in scan) throw placeFailure(READ_FAILED, scan.code);
    for (const [member, name] of scan.names.entries()) {
      const path = `blobs/${folder}/${name}`;
      const isFile = scan.kinds[member] === MEMBER.file && name.startsWith(folder);
      const digest = `sha256:${name}`;
      if (isFile && isDigest(digest)) found.blobs.push({ digest, size: scan.stats[member * STAT_NUMBERS + 2] ?? 0 });
      else (isFile && INCOMING_BLOB.test(name) ? found.leftOvers : found.foreign).push(path);
    }
  }
}

/** Every result and record that keeps contents, and the drafts of such files. */
export async function findKeepers(directory: string): Promise<{ keepers: KeeperFound[]; leftOvers: string[] }> {
  const keepers: KeeperFound[] = [];
  const leftOvers: string[] = [];
  for (const folder of ['actions', 'records']) {
    const files = (await membersOf(join(directory, folder))).map(({ name }) => `${folder}/${name}`);
    await forEachBounded(files, AT_ONCE, async (path) => {
      if (DRAFT.test(path)) leftOvers.push(path);
      const name = keeperName(path);
      if (name === null) return;
      const value = await atPlace(READ_FAILED, () => readJson(join(directory, path)).catch(undefinedIfNotJson));
      const digests = value === undefined ? null : digestsIn(value).filter((digest) => name !== `result ${digest}`);
      if (value !== null) keepers.push({ path, name, digests });
    });
  }
  return { keepers, leftOvers };
}

/** What is in the folders of files that are on their way in. */
export async function findIncoming(directory: string): Promise<string[]> {
  const seen = (await membersOf(join(directory, 'stat-cache'))).flatMap(({ name }) =>
    DRAFT.test(name) ? [`stat-cache/${name}`] : [],
  );
  return [...(await membersOf(join(directory, 'incoming'))).map(({ name }) => `incoming/${name}`), ...seen];
}

/** Bytes of a file of the store, or null when it is gone. Does not count as a use. */
export async function sizeOfFile(path: string): Promise<number | null> {
  return atPlace(READ_FAILED, () =>
    stat(path).then(
      ({ size }) => size,
      (error: unknown) => {
        if (errorCode(error) === 'ENOENT') return null;
        throw error;
      },
    ),
  );
}

/** Null for what keeps nothing: drafts, and records that only say what was seen. */
function keeperName(path: string): string | null {
  const [, folder = '', encoded] = /^(actions|records)\/(.*)\.json$/.exec(path) ?? [];
  if (encoded === undefined) return null;
  if (folder === 'actions') return `result sha256:${encoded}`;
  const name = decoded(encoded);
  return name === null || name.startsWith(HINTS) ? null : `record ${name}`;
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

async function membersOf(folder: string) {
  return atPlace(READ_FAILED, () =>
    readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
      if (errorCode(error) === 'ENOENT') return [];
      throw error;
    }),
  );
}

function undefinedIfNotJson(error: unknown): undefined {
  if (error instanceof SyntaxError) return undefined;
  throw error;
}
