import { Readable, pipeline } from 'node:stream';
import { createGzip } from 'node:zlib';
import { Header, Pax } from 'tar';
import type { BlobRef, Digest } from '../contract';
import type { Store, TreeEntry } from './store';

export { DEFAULT_UNPACK_LIMITS, unpackArchive } from './archive-unpacking';
export type { UnpackLimits } from './archive-unpacking';

const BLOCK = 512;
/** tar's header keeps seconds since 1970; nobody's clock goes into an archive. */
const MTIME = new Date(0);

/**
 * Packs the contents of a tree, without a folder around them, as MedPerf expects of `additional_files.tar.gz`.
 * The same tree gives the same bytes: members sorted by name, owner 0:0, fixed time, modes 0644 and 0755.
 */
export async function packTarGz(store: Store, tree: Digest, signal?: AbortSignal): Promise<BlobRef> {
  const gzip = createGzip();
  const tar = Readable.from(tarBytes(store, tree), { objectMode: false });
  // Any failure destroys `gzip` and reaches the reader below.
  pipeline(tar, gzip, () => undefined);
  return store.putStream(gzip, signal === undefined ? {} : { signal });
}

async function* tarBytes(store: Store, tree: Digest): AsyncGenerator<Uint8Array> {
  yield* members(store, tree, '');
  yield Buffer.alloc(2 * BLOCK);
}

async function* members(store: Store, tree: Digest, prefix: string): AsyncGenerator<Uint8Array> {
  const entries = Object.entries(await store.listDirectory(tree)).sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [name, entry] of entries) {
    const path = `${prefix}${name}`;
    if (entry.kind === 'directory') {
      yield header(`${path}/`, entry);
      yield* members(store, entry.digest, `${path}/`);
      continue;
    }
    yield header(path, entry);
    yield* (await store.openRead(entry.digest)) as AsyncIterable<Uint8Array>;
    yield Buffer.alloc((BLOCK - (entry.size % BLOCK)) % BLOCK);
  }
}

function header(path: string, entry: TreeEntry): Uint8Array {
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
