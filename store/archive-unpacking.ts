import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { Digest, TreeRef } from '../contract';
import { errorCode, missing, quoted, refused } from './failures';
import type { SpaceShare, SpaceWaiting } from './space-admission';
import type { ContentBatch, Store } from './store';
import type { UnpackLimits } from './unpack-limits';
import { isGzip, unpackedRoom, withRoom } from './unpacking-room';
import { corrupt, readTar } from './tar-reading';
import type { TarMember } from './tar-reading';
import { encodeListing, isEntryName, totals } from './tree-listing';
import type { ListingEntry } from './tree-listing';

/** So much may always be unpacked: small archives of empty files have any ratio. */
const RATIO_FREE_BYTES = 16 * 1024 * 1024;
/** Members up to this size are written together. */
const SMALL_BYTES = 1024 * 1024;
/** Half of Linux's PATH_MAX, so that the path can be written below a run's folder. */
const MAX_PATH_BYTES = 2048;

/**
 * Unpacks a tar or tar.gz of the store into a tree of the store. Throws `InvalidRequest` for an archive that is
 * damaged, goes beyond a limit, or holds anything but plain files and folders inside itself. macOS's `._*` files are
 * left out, as MedPerf does. A failure leaves no tree. The archive itself is checked at the same time: `StoreUnavailable` when
 * it was damaged in the store.
 */
export async function unpackArchive(
  store: Store,
  blob: Digest,
  limits: UnpackLimits,
  waiting: SpaceWaiting = {},
): Promise<TreeRef> {
  const room = await unpackedRoom(store, blob, limits, waiting);
  try {
    return await unpackChecked(store, blob, limits, room, waiting);
  } finally {
    room.release();
  }
}

async function unpackChecked(
  store: Store,
  blob: Digest,
  limits: UnpackLimits,
  room: SpaceShare,
  waiting: SpaceWaiting,
): Promise<TreeRef> {
  const checked = store.check(blob, waiting);
  checked.catch(() => undefined);
  try {
    const tree = await unpackTree(store, blob, limits, room, waiting);
    await checked;
    return tree;
  } catch (error) {
    // A damaged archive is the store's failure, whatever the unpacking says of it.
    await checked;
    throw error;
  }
}

async function unpackTree(
  store: Store,
  blob: Digest,
  limits: UnpackLimits,
  room: SpaceShare,
  waiting: SpaceWaiting,
): Promise<TreeRef> {
  const draft = new TreeDraft(limits.maxFiles);
  return store.putBatch(async (batch) => {
    for await (const member of readTar(withRoom(unpackedBytes(store, blob, limits, waiting.signal), room, waiting))) {
      const path = safePath(member.path);
      if (member.type === 'Directory') draft.addDirectory(path);
      else if (member.type !== 'File') throw refusedMember(member.path, `a member of the kind ${member.type}`);
      else if (!path.at(-1)?.startsWith('._')) draft.addFile(path, await putMember(store, batch, member));
    }
    return draft.putInto(batch);
  });
}

async function putMember(store: Store, batch: ContentBatch, { body, size, executable }: TarMember): Promise<FileEntry> {
  const blob = size > SMALL_BYTES ? await store.putStream(body) : await batch.putBytes(await whole(body));
  return { kind: 'file', ...blob, executable };
}

async function whole(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  const [only] = parts;
  return only !== undefined && parts.length === 1 ? only : Buffer.concat(parts);
}

function safePath(path: string): readonly string[] {
  if (path.startsWith('/')) throw refusedMember(path, 'an absolute path');
  if (Buffer.byteLength(path) > MAX_PATH_BYTES)
    throw refusedMember(path.slice(0, 80), `a path of more than ${MAX_PATH_BYTES} bytes`);
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw refusedMember(path, 'a path with ".."');
  // U+FFFD is what became of bytes that are not UTF-8.
  if (!parts.every(isEntryName) || path.includes('\uFFFD')) throw refusedMember(path, 'a name that cannot be used');
  return parts;
}

type FileEntry = Omit<Extract<ListingEntry, { kind: 'file' }>, 'name'>;
type Folder = Map<string, FileEntry | Folder>;

/** The tree as it grows member by member; the same member may come twice, two different ones may not. */
class TreeDraft {
  private readonly root: Folder = new Map();
  private members = 0;

  constructor(private readonly maxFiles: number) {}

  addDirectory(path: readonly string[]): Folder {
    let folder = this.root;
    for (const name of path) {
      const there = folder.get(name) ?? this.add(folder, name, new Map<string, FileEntry | Folder>());
      if (!(there instanceof Map)) throw refusedMember(path.join('/'), 'a file and a folder of one name');
      folder = there;
    }
    return folder;
  }

  addFile(path: readonly string[], file: FileEntry): void {
    const name = path.at(-1);
    if (name === undefined) throw refusedMember('', 'a file without a name');
    const folder = this.addDirectory(path.slice(0, -1));
    const there = folder.get(name) ?? this.add(folder, name, file);
    if (there instanceof Map) throw refusedMember(path.join('/'), 'a file and a folder of one name');
    if (there.digest !== file.digest || there.executable !== file.executable)
      throw refusedMember(path.join('/'), 'two different files of one name');
  }

  putInto(batch: ContentBatch): Promise<TreeRef> {
    return putFolder(batch, this.root);
  }

  private add(folder: Folder, name: string, member: FileEntry | Folder): FileEntry | Folder {
    this.members += 1;
    if (this.members > this.maxFiles) throw tooMuch('more members', `at most ${this.maxFiles} files and folders`);
    folder.set(name, member);
    return member;
  }
}

async function putFolder(batch: ContentBatch, folder: Folder): Promise<TreeRef> {
  const entries: ListingEntry[] = [];
  for (const [name, member] of folder) {
    if (member instanceof Map) entries.push({ kind: 'directory', name, ...(await putFolder(batch, member)) });
    else entries.push({ ...member, name });
  }
  const { digest } = await batch.putListing(Buffer.from(encodeListing(entries)));
  return { digest, ...totals(entries) };
}

/** The tar itself, unpacked where it is a gzip file, never more than the limits allow. */
async function* unpackedBytes(
  store: Store,
  blob: Digest,
  limits: UnpackLimits,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const packed = await store.sizeOf(blob);
  if (packed === null) throw missing(blob);
  let bytes = 0;
  for await (const chunk of (await isGzip(store, blob)) ? gunzipped(store, blob) : stored(store, blob)) {
    signal?.throwIfAborted();
    bytes += chunk.length;
    if (bytes > limits.maxBytes) throw tooMuch('a larger one', `at most ${limits.maxBytes} bytes unpacked`);
    if (bytes > RATIO_FREE_BYTES && bytes > limits.maxRatio * packed)
      throw tooMuch('a higher ratio', `at most ${limits.maxRatio} bytes unpacked for each byte of the archive`);
    yield chunk;
  }
}

async function* stored(store: Store, blob: Digest): AsyncGenerator<Uint8Array> {
  yield* (await store.openRead(blob)) as AsyncIterable<Uint8Array>;
}

async function* gunzipped(store: Store, blob: Digest): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip({ chunkSize: 256 * 1024 });
  // Any failure of the source destroys `gunzip` and is thrown by the loop below.
  pipeline(await store.openRead(blob), gunzip, () => undefined);
  try {
    yield* gunzip as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw errorCode(error)?.startsWith('Z_') ? corrupt('damaged or truncated gzip data') : error;
  }
}

function refusedMember(path: string, found: string): Error {
  return refused(
    `The archive's member ${quoted(path)} is refused.`,
    found,
    'Make the archive again without it.',
    'plain files and folders inside the archive',
  );
}

function tooMuch(found: string, limit: string): Error {
  return refused('The archive unpacks to more than it may.', found, 'Ask for a smaller archive.', limit);
}
