import { appendFile, mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Digest, TreeRef } from '../contract';
import { FileStore } from './file-store';
import { StatCache } from './stat-cache';
import type { KnownFile, SeenFile } from './stat-cache';
import { STAT_NUMBERS, statNumbers } from './threads/scan-folders';

let scratch: string;
let folder: string;
let store: FileStore;

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'remembered-'));
  folder = join(scratch, 'folder');
  await mkdir(join(folder, 'below'), { recursive: true });
  await writeFile(join(folder, 'a'), 'one');
  await writeFile(join(folder, 'below', 'b'), 'two');
  store = new FileStore(join(scratch, 'store'));
});
afterEach(() => rm(scratch, { recursive: true }));

const put = async (): Promise<Digest> => (await store.putTree(folder, { links: 'follow', remember: true })).digest;
/** What a store that remembers nothing says. */
const fresh = async (): Promise<Digest> => {
  const other = new FileStore(join(scratch, 'other'));
  return (await other.putTree(folder, { links: 'follow' })).digest;
};

/** Old enough that nobody can have changed it within the file system's clock tick. */
async function age(): Promise<void> {
  const long = 3_000;
  const { ctimeMs } = await stat(join(folder, 'a'));
  const wait = ctimeMs + long - Date.now();
  // The change time cannot be set, so the clock is: what the store takes for now lies later.
  const realNow = Date.now.bind(Date);
  Date.now = () => realNow() + Math.max(wait, 0);
}
const { now } = Date;
afterEach(() => {
  Date.now = now;
});

describe('a remembered folder', () => {
  it('has the same tree again, and another one after every kind of change', async () => {
    await age();
    const first = await put();
    expect(await put()).toBe(first);
    const changes: (() => Promise<void>)[] = [
      () => appendFile(join(folder, 'a'), '!'),
      // Of the same size, with the time set back.
      async () => {
        const { atime, mtime } = await stat(join(folder, 'a'));
        await writeFile(join(folder, 'a'), 'two!');
        await utimes(join(folder, 'a'), atime, mtime);
      },
      () => writeFile(join(folder, 'below', 'c'), ''),
      () => rm(join(folder, 'below', 'c')),
      () => mkdir(join(folder, 'empty')),
      () => rm(join(folder, 'empty'), { recursive: true }),
    ];
    for (const change of changes) {
      await age();
      await put();
      await change();
      expect(await put()).toBe(await fresh());
    }
  });

  it('is stored again where blobs were removed since', async () => {
    await age();
    const tree = await put();
    const entry = await store.lookUp(tree, 'below/b');
    await rm(join(scratch, 'store', 'blobs'), { recursive: true });
    expect(await put()).toBe(tree);
    expect(await store.lookUp(tree, 'below/b')).toEqual(entry);
    await store.materialise(tree, join(scratch, 'out'), 'copy');
  });

  it('is read anew when what was remembered is damaged', async () => {
    await age();
    const tree = await put();
    const cache = join(scratch, 'store', 'stat-cache');
    const [name = ''] = await readdir(cache);
    await appendFile(join(cache, name), 'x');
    expect(await put()).toBe(tree);
    await writeFile(join(cache, name), '');
    expect(await put()).toBe(tree);
  });
});

describe('StatCache', () => {
  const tree: TreeRef = { digest: `sha256:${'1'.repeat(64)}`, size: 3, files: 1 };
  const known: KnownFile = { digest: `sha256:${'2'.repeat(64)}`, executable: true };

  const seen = (path: string, numbers: readonly number[]): SeenFile => ({
    path,
    statNumber: (number) => numbers[number] ?? NaN,
  });

  it('knows a file by its inode and times, and trusts none that changed just before it was looked at', async () => {
    const found = await stat(join(folder, 'a'));
    const { ctimeMs } = found;
    const numbers = statNumbers(found);
    expect(numbers).toHaveLength(STAT_NUMBERS);
    const file = seen('a', numbers);
    const cache = new StatCache(join(scratch, 'cache'));
    const state = { paths: 'a', files: [file] };
    await cache.save(folder, state, [known], { lookedAt: ctimeMs + 2_001, tree, generation: 'g' });
    const loaded = await cache.load(folder);
    expect(loaded?.isSame(state)).toBe(true);
    expect(loaded?.lookUp(file)).toEqual(known);
    expect(loaded?.lookUp(seen('b', numbers))).toBeNull();
    for (let number = 0; number < STAT_NUMBERS; number += 1) {
      const changed = numbers.map((value, at) => (at === number ? value + 1 : value));
      const other = seen('a', changed);
      expect(loaded?.lookUp(other)).toBeNull();
      expect(loaded?.isSame({ paths: 'a', files: [other] })).toBe(false);
    }
    await cache.save(folder, state, [known], { lookedAt: ctimeMs + 1_999, tree, generation: 'g' });
    expect((await cache.load(folder))?.isSame(state)).toBe(false);
    expect(await cache.load(scratch)).toBeNull();
  });
});
