import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ActionResult, Digest } from '../contract';
import { cleanUp } from './clean-up';
import type { CleanUpOptions } from './clean-up';
import { FileStore } from './file-store';
import { HINTS } from './store';

const HOUR_MS = 3_600_000;
const LONG_AGO = new Date(Date.now() - 40 * 24 * HOUR_MS);

let scratch: string;
let directory: string;
let store: FileStore;
let folders = 0;

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'clean-up-'));
  directory = join(scratch, 'store');
  store = new FileStore(directory);
});
afterEach(() => rm(scratch, { recursive: true }));

const sha256 = (content: string): Digest => `sha256:${createHash('sha256').update(content).digest('hex')}`;
const clean = (options: Partial<CleanUpOptions> = {}) => cleanUp(directory, { pins: [], ...options });

async function treeOf(files: Readonly<Record<string, string>>, remember = false): Promise<Digest> {
  const folder = join(scratch, `folder-${(folders += 1)}`);
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(folder, name, '..'), { recursive: true });
    await writeFile(join(folder, name), content);
    await utimes(join(folder, name), LONG_AGO, LONG_AGO);
  }
  return (await store.putTree(folder, { links: 'refuse', remember })).digest;
}

/** As if nothing of the store had been used since. */
async function age(at: Date = LONG_AGO, below = directory): Promise<void> {
  for (const entry of await readdir(below, { withFileTypes: true })) {
    const path = join(below, entry.name);
    if (entry.isDirectory()) await age(at, path);
    else await utimes(path, at, at);
  }
}

const isWhole = (tree: Digest): Promise<boolean> => {
  const target = join(scratch, `out-${(folders += 1)}`);
  return store.materialise(tree, target, 'link').then(
    () => true,
    () => false,
  );
};

async function resultWith(key: string, outputs: Readonly<Record<string, Digest>>): Promise<Digest> {
  const resources = { wallSeconds: 1, cpuSeconds: 1, peakMemoryBytes: 1, readBytes: 1, writtenBytes: 1, gpuSeconds: 0 };
  const at = LONG_AGO.toISOString();
  const log = await store.putBytes(`log of ${key}`);
  const result: ActionResult = {
    key: sha256(key),
    ...{ exitCode: 0, outputs, log, startedAt: at, finishedAt: at, host: 'here', resources, outputBound: 'watched' },
  };
  await store.recordActionResult(result);
  return result.key;
}

/** Notes that a result or a record was used so many hours ago. */
async function usedHoursAgo(file: string, hours: number): Promise<void> {
  const at = new Date(Date.now() - hours * HOUR_MS);
  await utimes(join(directory, file), at, at);
}

describe('what nothing reaches', () => {
  it('goes, and is told in files and bytes', async () => {
    await store.putBytes('abc');
    await store.putBytes('defgh');
    await age();
    const told = await clean();
    expect(told.removed).toEqual({ files: 2, bytes: 8 });
    expect(told.kept).toEqual({ files: 0, bytes: 0 });
    expect(await store.has(sha256('abc'))).toBe(false);
  });

  it('stays when it was used within a day', async () => {
    const { digest } = await store.putBytes('fresh');
    expect((await clean()).removed.files).toBe(0);
    expect(await store.has(digest)).toBe(true);
  });

  it('stays when it is put again, also when it is not written again', async () => {
    const tree = await treeOf({ 'a.txt': 'a', 'b/c.txt': 'c' });
    await store.putBytes('blob');
    await age();
    await treeOf({ 'a.txt': 'a', 'b/c.txt': 'c' });
    await store.putBytes('blob');
    await clean();
    expect(await isWhole(tree)).toBe(true);
    expect(await store.has(sha256('blob'))).toBe(true);
  });

  it('is only told in a dry run', async () => {
    const { digest } = await store.putBytes('abc');
    await age();
    expect((await clean({ dryRun: true })).removed.files).toBe(1);
    expect(await store.has(digest)).toBe(true);
  });
});

describe('what is kept', () => {
  it('is all that a result, a record or running work reaches', async () => {
    const output = await treeOf({ 'deep/er/output.txt': 'output' });
    const recorded = await treeOf({ 'recorded.txt': 'recorded' });
    const pinned = await treeOf({ 'pinned/file.txt': 'pinned' });
    const key = await resultWith('a run', { out: output });
    await store.writeRecord('cube-trees/x', { tree: recorded, other: ['text'] });
    await age();
    await clean({ pins: [pinned] });
    for (const tree of [output, recorded, pinned]) expect(await isWhole(tree)).toBe(true);
    expect(await store.findActionResult(key)).not.toBeNull();
    expect(await store.has(sha256('log of a run'))).toBe(true);
  });

  it('is not what a hint names', async () => {
    const tree = await treeOf({ 'a.txt': 'a' });
    await store.writeRecord(`${HINTS}seen`, { tree });
    await age();
    await clean();
    expect(await isWhole(tree)).toBe(false);
    expect(await store.readRecord(`${HINTS}seen`)).toEqual({ tree });
  });

  it('is not a result that has lost an output', async () => {
    const key = await resultWith('a run', { out: sha256('never stored') });
    await age();
    expect((await clean()).dropped).toEqual({ results: 1, records: 0 });
    expect(await store.findActionResult(key)).toBeNull();
  });
});

describe('under a limit', () => {
  it('the results that were used longest ago go first, whole', async () => {
    const keys: Digest[] = [];
    const trees: Digest[] = [];
    for (const name of ['one', 'two', 'three']) {
      trees.push(await treeOf({ [`${name}.bin`]: name.repeat(1000) }));
      keys.push(await resultWith(name, { out: trees.at(-1)! }));
    }
    await age();
    await usedHoursAgo(`actions/${keys[0]!.slice(7)}.json`, 100);
    await usedHoursAgo(`actions/${keys[1]!.slice(7)}.json`, 300);
    await usedHoursAgo(`actions/${keys[2]!.slice(7)}.json`, 200);
    const told = await clean({ limitBytes: 9_000 });
    expect(told.dropped.results).toBe(1);
    expect(told.kept.bytes).toBeLessThanOrEqual(9_000);
    expect(await Promise.all(trees.map(isWhole))).toEqual([true, false, true]);
    expect(await store.findActionResult(keys[1]!)).toBeNull();
  });

  it('what running work needs stays, and what it takes is told', async () => {
    const pinned = await treeOf({ 'pinned.bin': 'p'.repeat(5000) });
    await age();
    const told = await clean({ limitBytes: 10, pins: [pinned] });
    expect(await isWhole(pinned)).toBe(true);
    expect(told.spared.bytes).toBeGreaterThan(5000);
    expect(told.kept).toEqual(told.spared);
  });

  it('a result that was found again just now stays', async () => {
    const tree = await treeOf({ 'a.txt': 'a'.repeat(5000) });
    const key = await resultWith('a run', { out: tree });
    await age();
    await store.findActionResult(key);
    await clean({ limitBytes: 0 });
    expect(await isWhole(tree)).toBe(true);
  });
});

describe('a folder that is remembered', () => {
  it('is put again whole after the store let it go', async () => {
    const folder = join(scratch, `folder-${folders + 1}`);
    const tree = await treeOf({ 'a.txt': 'a', 'b.txt': 'b' }, true);
    await age();
    await clean();
    expect(await isWhole(tree)).toBe(false);
    await store.putTree(folder, { links: 'refuse', remember: true });
    expect(await isWhole(tree)).toBe(true);
  });

  it('counts as used when it is put again unchanged', async () => {
    const folder = join(scratch, `folder-${folders + 1}`);
    const tree = await treeOf({ 'a.txt': 'a', 'b.txt': 'b' }, true);
    await age();
    await store.putTree(folder, { links: 'refuse', remember: true });
    await clean();
    expect(await isWhole(tree)).toBe(true);
  });
});

describe('what died processes left', () => {
  it('goes after its time, and what is on its way in stays', async () => {
    const { digest } = await store.putBytes('x');
    const hex = digest.slice(7);
    const place = join(directory, 'blobs', hex.slice(0, 2));
    await mkdir(join(directory, 'incoming'), { recursive: true });
    const old = [
      join(place, `${hex}~old`),
      join(directory, 'incoming', 'old'),
      join(directory, 'incoming', 'part-old~h~1~u'),
    ];
    const fresh = [join(place, `${hex}~new`), join(directory, 'incoming', 'new')];
    for (const path of [...old, ...fresh]) await writeFile(path, 'half');
    for (const path of old) await utimes(path, LONG_AGO, LONG_AGO);
    expect((await clean()).leftOvers).toEqual({ files: 3, bytes: 12 });
    for (const path of fresh) expect((await stat(path)).size).toBe(4);
    for (const path of old) await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('keeps an interrupted download for a week', async () => {
    const path = join(directory, 'incoming', 'part-name~host~1~u');
    await mkdir(join(directory, 'incoming'), { recursive: true });
    await writeFile(path, 'half');
    const daysAgo = new Date(Date.now() - 6 * 24 * HOUR_MS);
    await utimes(path, daysAgo, daysAgo);
    expect((await clean()).leftOvers.files).toBe(0);
  });
});

it('cleans a store that is not there yet', async () => {
  expect((await clean()).removed.files).toBe(0);
});
