import { Header, Pax } from 'tar';
import type { BlobRef, Digest } from '../contract';
import { compressionPays } from './compression-sample';
import { gzipInParallel } from './parallel-gzip';
import type { Store, TreeEntry } from './store';

export { unpackArchive } from './archive-unpacking';
export { DEFAULT_UNPACK_LIMITS } from './unpack-limits';
export type { UnpackLimits } from './unpack-limits';

const BLOCK = 512;
/** tar's header keeps seconds since 1970; nobody's clock goes into an archive. */
const MTIME = new Date(0);
/** Small files that are read together. */
const TOGETHER_BYTES = 4 * 1024 * 1024;

interface Member {
  readonly path: string;
  readonly entry: TreeEntry;
}

/**
 * Packs the contents of a tree, without a folder around them, as MedPerf expects of `additional_files.tar.gz`.
 * The same tree gives the same bytes: members sorted by name, owner 0:0, fixed time, modes 0644 and 0755. Compressed only
 * where a sample shows that it pays: readers of tar archives, MedPerf's client among them, look at the bytes, not the name.
 */
export async function packArchive(store: Store, tree: Digest, signal?: AbortSignal): Promise<BlobRef> {
  const members: Member[] = [];
  for await (const member of membersOf(store, tree, '')) members.push(member);
  const files = members.flatMap(({ entry }) => (entry.kind === 'file' ? entry : []));
  const tar = tarBytes(store, members);
  const bytes = (await compressionPays(store, files)) ? gzipInParallel(tar) : tar;
  return store.putStream(bytes, signal === undefined ? {} : { signal });
}

async function* membersOf(store: Store, tree: Digest, prefix: string): AsyncGenerator<Member> {
  const entries = Object.entries(await store.listDirectory(tree)).sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [name, entry] of entries) {
    const path = `${prefix}${name}`;
    if (entry.kind === 'file') yield { path, entry };
    else {
      yield { path: `${path}/`, entry };
      yield* membersOf(store, entry.digest, `${path}/`);
    }
  }
}

async function* tarBytes(store: Store, members: readonly Member[]): AsyncGenerator<Uint8Array> {
  for (const group of inGroups(members)) {
    const [only] = group;
    if (group.length === 1 && only?.entry.kind === 'file' && only.entry.size > TOGETHER_BYTES) {
      yield header(only);
      yield* (await store.openRead(only.entry.digest)) as AsyncIterable<Uint8Array>;
      yield padding(only.entry.size);
    } else yield* smallMembers(store, group);
  }
  yield Buffer.alloc(2 * BLOCK);
}

async function* smallMembers(store: Store, members: readonly Member[]): AsyncGenerator<Uint8Array> {
  const contents = (
    await store.readMany(members.flatMap(({ entry }) => (entry.kind === 'file' ? entry : [])))
  ).values();
  const parts: Uint8Array[] = [];
  for (const member of members) {
    parts.push(header(member));
    if (member.entry.kind === 'directory') continue;
    const content = contents.next().value ?? Buffer.alloc(0);
    parts.push(content, padding(content.length));
  }
  yield Buffer.concat(parts);
}

/** Members whose contents are read together, in order; a large file is alone. */
function* inGroups(members: readonly Member[]): Generator<Member[]> {
  let group: Member[] = [];
  let bytes = 0;
  for (const member of members) {
    const size = member.entry.kind === 'file' ? member.entry.size : 0;
    if (group.length > 0 && bytes + size + BLOCK > TOGETHER_BYTES) {
      yield group;
      group = [];
      bytes = 0;
    }
    group.push(member);
    bytes += size + BLOCK;
  }
  if (group.length > 0) yield group;
}

function padding(size: number): Uint8Array {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
}

function header({ path, entry }: Member): Uint8Array {
  const plain = new Header({
    path,
    type: entry.kind === 'file' ? 'File' : 'Directory',
    size: entry.kind === 'file' ? entry.size : 0,
    mode: entry.kind === 'directory' || entry.executable ? 0o755 : 0o644,
    uid: 0,
    gid: 0,
    mtime: MTIME,
  });
  const block = Buffer.alloc(BLOCK);
  if (!plain.encode(block)) return block;
  const { size = 0 } = plain;
  return Buffer.concat([new Pax({ path, size, mtime: MTIME }).encode(), block]);
}
