import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, truncate, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Digest, TreeRef } from '../contract';
import { FileStore } from './file-store';
import { HINTS } from './store';
import { isSound, verifyStore } from './verify';

const MIB = 1024 * 1024;

let scratch: string;
let directory: string;
let store: FileStore;
let tree: TreeRef;

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'verify-'));
  directory = join(scratch, 'store');
  store = new FileStore(directory);
  await mkdir(join(scratch, 'folder', 'below'), { recursive: true });
  await writeFile(join(scratch, 'folder', 'small'), 'small');
  await writeFile(join(scratch, 'folder', 'below', 'large'), Buffer.alloc(3 * MIB, 'large'));
  tree = await store.putTree(join(scratch, 'folder'), { links: 'refuse', remember: true });
  await store.writeRecord('cube-trees/one', { tree: tree.digest });
});
afterEach(() => rm(scratch, { recursive: true }));

const sha256 = (content: string | Uint8Array): Digest => `sha256:${createHash('sha256').update(content).digest('hex')}`;
const pathOf = (digest: Digest): string => join(directory, 'blobs', digest.slice(7, 9), digest.slice(7));
const SMALL = sha256('small');
const LARGE = sha256(Buffer.alloc(3 * MIB, 'large'));

async function flipBit(digest: Digest): Promise<void> {
  const bytes = await readFile(pathOf(digest));
  bytes[Math.floor(bytes.length / 2)]! ^= 1;
  await chmod(pathOf(digest), 0o644);
  await writeFile(pathOf(digest), bytes);
}

describe('verifyStore', () => {
  it('finds nothing wrong in a sound store, and in one that is not there', async () => {
    const told: [number, number][] = [];
    const report = await verifyStore(directory, { onProgress: (...progress) => told.push(progress) });
    expect(report).toMatchObject({ blobs: 4, damaged: [], missing: [], unreadable: [], foreign: [], leftOvers: [] });
    expect(report.bytes).toBeGreaterThan(tree.size);
    expect(told.at(-1)).toEqual([report.bytes, report.bytes]);
    expect(isSound(report)).toBe(true);
    expect(await verifyStore(join(scratch, 'none'))).toMatchObject({ blobs: 0, missing: [] });
  });

  it.each<[string, (digest: Digest) => Promise<void>, Digest]>([
    ['a flipped bit of a small file', flipBit, SMALL],
    ['a flipped bit of a large file', flipBit, LARGE],
    ['a truncated small file', (digest) => truncate(pathOf(digest), 3), SMALL],
    ['a truncated large file', (digest) => truncate(pathOf(digest), 2 * MIB), LARGE],
    ['an empty file', (digest) => truncate(pathOf(digest), 0), LARGE],
  ])('reports %s, quarantines it on request, and it can be put again', async (_, damage, digest) => {
    await damage(digest);
    const folder = digest === SMALL ? tree.digest : (await store.lookUp(tree.digest, 'below'))?.digest;
    const first = await verifyStore(directory);
    expect(first).toMatchObject({
      damaged: [{ digest, quarantined: false, neededBy: [`folder ${folder}`] }],
      missing: [],
    });
    expect(isSound(first)).toBe(false);
    expect(first.damaged[0]?.found).toBe(sha256(await readFile(pathOf(digest))));

    expect((await verifyStore(directory, { quarantine: true })).damaged).toMatchObject([{ digest, quarantined: true }]);
    expect(await store.has(digest)).toBe(false);
    expect(await readdir(join(directory, 'quarantine'))).toEqual([digest.slice(7)]);
    expect((await verifyStore(directory)).missing).toEqual([{ digest, neededBy: [`folder ${folder}`] }]);

    expect(await store.putTree(join(scratch, 'folder'), { links: 'refuse', remember: true })).toEqual(tree);
    expect(isSound(await verifyStore(directory))).toBe(true);
  });

  it('reports a damaged folder with what needs it', async () => {
    await flipBit(tree.digest);
    const { damaged, missing } = await verifyStore(directory);
    expect(damaged).toMatchObject([{ digest: tree.digest, neededBy: ['record cube-trees/one'] }]);
    expect(missing).toEqual([]);
  });

  it('reports what results, records and folders name and the store does not have', async () => {
    await unlink(pathOf(SMALL));
    const [gone, log] = [sha256('gone'), sha256('log')];
    await store.writeRecord('unpacked/two', { nested: [{ digest: gone }] });
    await store.writeRecord(`${HINTS}three`, { digest: sha256('only seen') });
    const key = sha256('key');
    await store.recordActionResult({ ...RESULT, key, outputs: { out: gone }, log: { digest: log, size: 1 } });
    const { missing } = await verifyStore(directory);
    expect(missing).toEqual(
      [
        { digest: gone, neededBy: ['record unpacked/two', `result ${key}`] },
        { digest: log, neededBy: [`result ${key}`] },
        { digest: SMALL, neededBy: [`folder ${tree.digest}`] },
      ].sort((a, b) => (a.digest < b.digest ? -1 : 1)),
    );
  });

  it('makes a remembered folder be looked at again when what it gave is missing', async () => {
    await unlink(pathOf(LARGE));
    await verifyStore(directory);
    await store.putTree(join(scratch, 'folder'), { links: 'refuse', remember: true });
    expect(isSound(await verifyStore(directory))).toBe(true);
  });

  it('tells what no store put there from what was left on its way', async () => {
    const hex = 'ab'.repeat(32);
    const uuid = '0f8fad5b-d9cb-469f-a165-70867728950e';
    const foreign = ['blobs/readme', 'blobs/xy', 'blobs/ab/note.txt', `blobs/cd/${hex}`, `blobs/ab/${hex}`];
    const leftOvers = [
      `actions/${hex}.json.${uuid}`,
      `blobs/ab/${hex}~${uuid}`,
      `incoming/${uuid}`,
      `incoming/part-1~host~1~${uuid}.json`,
      `records/some.json.${uuid}`,
      `stat-cache/${hex}.${uuid}`,
    ];
    for (const folder of ['blobs/ab', 'blobs/cd', 'blobs/xy', 'incoming', 'actions'])
      await mkdir(join(directory, folder), { recursive: true });
    await mkdir(join(directory, 'blobs', 'ab', hex));
    for (const path of [...foreign, ...leftOvers])
      if (!path.endsWith('xy') && path !== foreign[4]) await writeFile(join(directory, path), '');
    const report = await verifyStore(directory);
    expect(report.foreign).toEqual([...foreign].sort());
    expect(report.leftOvers).toEqual(leftOvers);
    expect(report).toMatchObject({ damaged: [], missing: [], unreadable: [] });
  });

  it('reports results and records that cannot be read', async () => {
    const hex = 'cd'.repeat(32);
    await mkdir(join(directory, 'actions'));
    await writeFile(join(directory, 'actions', `${hex}.json`), '{"key":');
    await writeFile(join(directory, 'records', 'a%2Fb.json'), '');
    expect((await verifyStore(directory)).unreadable).toEqual(['record a/b', `result sha256:${hex}`]);
  });

  it('takes a file that only begins like a folder for a file', async () => {
    const missing = sha256('not there');
    await store.putBytes(`{"entries":[ {"digest":"${missing}"} ]}`);
    const listing = `{"entries":[{"digest":"${missing}","executable":false,"kind":"file","name":"a","size":1}],"version":1}`;
    await store.putBytes(`${listing}\n`);
    expect((await verifyStore(directory)).missing).toEqual([]);
    const { digest } = await store.putBytes(listing);
    expect((await verifyStore(directory)).missing).toEqual([{ digest: missing, neededBy: [`folder ${digest}`] }]);
  });

  it('ends when it is told to', async () => {
    const stop = new AbortController();
    const verifying = verifyStore(directory, {
      signal: stop.signal,
      onProgress: () => stop.abort(new Error('enough')),
    });
    await expect(verifying).rejects.toThrow('enough');
    await expect(verifyStore(directory, { signal: AbortSignal.abort(new Error('early')) })).rejects.toThrow('early');
  });
});

const RESULT = {
  exitCode: 0,
  startedAt: '2026-01-01T00:00:00Z',
  finishedAt: '2026-01-01T00:00:01Z',
  host: 'host',
  resources: { wallSeconds: 1, cpuSeconds: 1, peakMemoryBytes: 1, readBytes: 1, writtenBytes: 1, gpuSeconds: 0 },
  outputBound: 'filesystem',
} as const;
