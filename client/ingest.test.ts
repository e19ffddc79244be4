import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { FileStore } from '../store/file-store';
import { MedperfClient } from './medperf-client';

const MIB = 1024 * 1024;
/** More than become visible together. */
const FILES = 6_000;
const { now } = Date;

let home: string;
let folder: string;
let store: FileStore;
let client: MedperfClient;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'client-ingest-'));
  folder = join(home, 'data');
  store = new FileStore(join(home, 'store'));
  const profile = { name: 'default', server: 'https://registry.example', username: 'ada' };
  const temporal: unknown = {};
  client = new MedperfClient({ client: temporal as Client, store, profile });
  await mkdir(folder);
});

afterEach(async () => {
  Date.now = now;
  await rm(home, { recursive: true });
});

/** Files that changed within the last seconds are read again; no file's times can be set that far, so the clock is. */
function letTimePass(): void {
  Date.now = () => now() + 60_000;
}

/** Bytes that this process has read so far, its threads included. */
async function bytesRead(): Promise<number> {
  return Number(/^rchar: (\d+)$/m.exec(await readFile('/proc/self/io', 'utf8'))?.[1]);
}

async function bytesReadBy(work: () => Promise<unknown>): Promise<number> {
  const before = await bytesRead();
  await work();
  return (await bytesRead()) - before;
}

async function writtenBlobs(): Promise<Map<string, string>> {
  const blobs = join(home, 'store', 'blobs');
  const paths = (await readdir(blobs, { recursive: true })).filter((path) => /^..\/[0-9a-f]{64}$/.test(path));
  const look = async (path: string): Promise<[string, string]> => {
    const { ino, ctimeMs } = await stat(join(blobs, path));
    return [path, `${ino} ${ctimeMs}`];
  };
  return new Map(await Promise.all(paths.map(look)));
}

it('reads of an unchanged folder nothing, and of a changed one what changed', async () => {
  for (let at = 0; at < 8; at += 1) await writeFile(join(folder, `case-${at}`), Buffer.alloc(4 * MIB, `case ${at}`));
  letTimePass();
  expect(await bytesReadBy(() => client.ingestData(folder))).toBeGreaterThan(32 * MIB);
  const blobs = await writtenBlobs();
  expect(await bytesReadBy(() => client.ingestData(folder))).toBeLessThan(MIB);

  await writeFile(join(folder, 'case-3'), Buffer.alloc(4 * MIB, 'another case'));
  expect(await bytesReadBy(() => client.ingestData(folder))).toBeLessThan(6 * MIB);
  const after = await writtenBlobs();
  for (const [path, written] of blobs) expect([path, after.get(path)]).toEqual([path, written]);
  expect(after.size).toBe(blobs.size + 2);
});

it('does not write again what an interrupted run wrote', async () => {
  for (let at = 0; at < FILES; at += 1) await writeFile(join(folder, `case-${at}`), `case ${at}`);
  const stop = new AbortController();
  const stopped = store.putTree(folder, { links: 'follow', remember: true, signal: stop.signal });
  const outcome = stopped.catch((error: unknown) => error);
  while ((await writtenBlobs().catch(() => new Map())).size === 0) await new Promise((next) => setImmediate(next));
  stop.abort(new Error('enough'));
  await outcome;

  const before = await writtenBlobs();
  expect(before.size).toBeGreaterThan(1_000);
  const tree = await client.ingestData(folder);
  const after = await writtenBlobs();
  expect(after.size).toBe(FILES + 1);
  for (const [path, written] of before) expect([path, after.get(path)]).toEqual([path, written]);
  expect(await store.isWhole(tree)).toBe(true);
  expect(await new FileStore(join(home, 'other')).putTree(folder, { links: 'follow' })).toMatchObject({ digest: tree });
});
