import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { access, mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { randomBytes, writeManyFiles } from '../../bench/sample-trees';
import type { Digest } from '../../contract';
import { packArchive } from '../../store/archive';
import { FileStore } from '../../store/file-store';
import { verifyStore } from '../../store/verify';

const MIB = 1024 * 1024;

/** One kind of work with what it works on; `store-work.js` does it. */
export interface PreparedWork {
  /** In `store-work.js`. */
  readonly name: string;
  /** Makes a new store as it is before the work. */
  begin(store: string): Promise<void>;
  /** What the work's process is told after the store's directory. */
  args(store: string): readonly string[];
  /**
   * Looks at what killed processes left, before the last run, and answers what tells after it whether that used it;
   * throws when it did not use what it must.
   */
  resumption(store: string): Promise<() => Promise<boolean>>;
  close(): Promise<void>;
}

/** Another kind needs its line here and in `store-work.js`. */
export const WORKS = {
  ingest: (scratch: string) => ingest(scratch, 60, 5),
  // More files than become visible together.
  'large ingest': (scratch: string) => ingest(scratch, 9, 500),
  download,
  unpack,
  'clean-up': cleanUp,
} as const;
export type WorkKind = keyof typeof WORKS;
export const WORK_KINDS = Object.keys(WORKS) as WorkKind[];

/** Files and folders of what {@link cleanUp} is done with. */
const BLOBS_TO_CLEAN = 3 * 30 + 4 + 6 * 60 + 7;
const nothing = (): Promise<void> => Promise.resolve();

/** `folders` folders of `each` small files, and some large ones. */
async function ingest(scratch: string, folders: number, each: number): Promise<PreparedWork> {
  const folder = join(scratch, 'folder');
  await writeManyFiles(folder, folders, each, 256);
  for (let at = 0; at < 3; at += 1) await writeFile(join(folder, `large-${at}`), randomBytes(100 + at, 3 * MIB + at));
  return { name: 'ingest', begin: nothing, args: () => [folder], resumption: keepsWhatIsThere, close: nothing };
}

async function unpack(scratch: string): Promise<PreparedWork> {
  const folder = join(scratch, 'folder');
  await writeManyFiles(folder, 4, 50, 256);
  for (let at = 0; at < 2; at += 1) await writeFile(join(folder, `large-${at}`), randomBytes(100 + at, 3 * MIB + at));
  const source = new FileStore(join(scratch, 'source'));
  const { digest } = await packArchive(source, (await source.putTree(folder, { links: 'refuse' })).digest);
  const archive = join(scratch, 'archive');
  await source.materialiseFile(digest, archive, 'copy');
  return {
    name: 'unpack',
    begin: async (store) => {
      await new FileStore(store).putFile(archive);
    },
    args: (store) => [digest, `${store}/../target`],
    resumption: keepsWhatIsThere,
    close: nothing,
  };
}

/** Blobs that are there are not written again: they are the same files afterwards. */
async function keepsWhatIsThere(store: string): Promise<() => Promise<boolean>> {
  const before = await inodes(store);
  return async () => {
    const after = await inodes(store);
    const rewritten = [...before].filter(([path, inode]) => after.get(path) !== inode);
    if (rewritten.length > 0) throw new Error(`written again: ${rewritten.map(([path]) => path).join(', ')}`);
    return after.size > before.size && before.size > 1;
  };
}

async function inodes(store: string): Promise<Map<string, number>> {
  const blobs = join(store, 'blobs');
  if (!(await isThere(blobs))) return new Map();
  const paths = (await readdir(blobs, { recursive: true })).filter((path) => /^..\/[0-9a-f]{64}$/.test(path));
  return new Map(await Promise.all(paths.map(async (path) => [path, (await stat(join(blobs, path))).ino] as const)));
}

/** Of two folders, of which a record names one; both were used long ago, and a process that died left something. */
async function cleanUp(scratch: string): Promise<PreparedWork> {
  const [kept, unused] = [join(scratch, 'kept'), join(scratch, 'unused')];
  await writeManyFiles(kept, 3, 30, 100);
  await writeManyFiles(unused, 6, 60, 200);
  return {
    name: 'cleanUp',
    begin: async (directory) => {
      const store = new FileStore(directory);
      await store.writeRecord('kept', await store.putTree(kept, { links: 'refuse' }));
      await store.putTree(unused, { links: 'refuse' });
      await mkdir(join(directory, 'incoming'));
      await writeFile(join(directory, 'incoming', 'left'), 'left');
      const long = new Date(Date.now() - 7 * 24 * 60 * 60 * 1000);
      for (const { parentPath, name } of await readdir(directory, { recursive: true, withFileTypes: true }))
        await utimes(join(parentPath, name), long, long);
    },
    args: (store) => [store],
    resumption: async (store) => {
      const before = await inodes(store);
      return async () => {
        const { leftOvers } = await verifyStore(store);
        if (leftOvers.length > 0) throw new Error(`left over: ${leftOvers.join(', ')}`);
        return before.size < BLOBS_TO_CLEAN;
      };
    },
    close: nothing,
  };
}

/** From a host that tells versions apart and sends parts. */
async function download(): Promise<PreparedWork> {
  const content = randomBytes(1, 80 * MIB);
  const hash = createHash('sha256').update(content).digest('hex');
  /** Where each answer began. */
  const begins: number[] = [];
  const server = createServer(({ headers }, response) => {
    const from = headers['if-range'] === '"1"' ? Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0) : 0;
    begins.push(from);
    const range = { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` };
    response.writeHead(from === 0 ? 200 : 206, {
      'content-length': content.length - from,
      etag: '"1"',
      ...(from === 0 ? {} : range),
    });
    response.end(content.subarray(from));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`;
  return {
    name: 'download',
    begin: nothing,
    args: () => [url, hash],
    resumption: async (store) => {
      const sure = await bytesSurelyThere(store, `sha256:${hash}`, content.length);
      begins.length = 0;
      return () => {
        const [from = content.length] = begins;
        if (from < sure) throw new Error(`asked from byte ${from}, though ${sure} were there`);
        return Promise.resolve(from > 0);
      };
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

/** What the notes beside a download promise. */
async function bytesSurelyThere(store: string, digest: Digest, whole: number): Promise<number> {
  if (await new FileStore(store).has(digest)) return whole;
  const incoming = join(store, 'incoming');
  if (!(await isThere(incoming))) return 0;
  const names = await readdir(incoming);
  const notes = names.filter((name) => name.endsWith('.json') && names.includes(name.slice(0, -'.json'.length)));
  const sizes = notes.map(async (name) => JSON.parse(await readFile(join(incoming, name), 'utf8')) as { size: number });
  return Math.max(0, ...(await Promise.all(sizes)).map(({ size }) => size));
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
