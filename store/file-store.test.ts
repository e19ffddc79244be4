import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as fc from 'fast-check';
import type { ActionResult, Digest } from '../contract';
import { atPlace } from './failures';
import { FileStore } from './file-store';

let scratch: string;
let store: FileStore;
let folders = 0;

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'file-store-'));
  store = new FileStore(join(scratch, 'store'));
});
afterEach(() => rm(scratch, { recursive: true }));

type Files = Readonly<Record<string, string | Uint8Array>>;

async function folderOf(files: Files): Promise<string> {
  const folder = join(scratch, `folder-${(folders += 1)}`);
  await mkdir(folder);
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  return folder;
}

const sha256 = (content: string | Uint8Array): Digest => `sha256:${createHash('sha256').update(content).digest('hex')}`;
const blobPath = (digest: Digest) => join(scratch, 'store', 'blobs', digest.slice(7, 9), digest.slice(7));
const incoming = () => readdir(join(scratch, 'store', 'incoming'));

describe('blobs', () => {
  it.each([0, 1, 1024 * 1024 - 1, 1024 * 1024, 1024 * 1024 + 1, 3_500_000])(
    'keeps a file of %d bytes',
    async (size) => {
      const content = randomBytes(size);
      const folder = await folderOf({ 'a.bin': content });
      const blob = await store.putFile(join(folder, 'a.bin'));
      expect(blob).toEqual({ digest: sha256(content), size });
      expect((await store.readBytes(blob.digest)).equals(content)).toBe(true);
      expect((await stat(blobPath(blob.digest))).mode & 0o777).toBe(0o444);
      expect(await store.sizeOf(blob.digest)).toBe(size);
    },
  );

  it('gives a stream the digest of its bytes, however they are cut', async () => {
    const content = randomBytes(2_500_000);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1000, max: 2_600_000 }), async (length) => {
        async function* cut() {
          for (let at = 0; at < content.length; at += length)
            yield await Promise.resolve(content.subarray(at, at + length));
        }
        expect((await store.putStream(cut())).digest).toBe(sha256(content));
      }),
      { numRuns: 15 },
    );
  });

  it('takes the same blob from many writers at once', async () => {
    const content = randomBytes(2_000_000);
    const folder = await folderOf({ big: content });
    const stores = Array.from({ length: 12 }, () => new FileStore(join(scratch, 'store')));
    const blobs = await Promise.all(stores.map((one) => one.putFile(join(folder, 'big'))));
    expect(new Set(blobs.map(({ digest }) => digest))).toEqual(new Set([sha256(content)]));
    expect((await store.readBytes(sha256(content))).equals(content)).toBe(true);
    expect(await incoming()).toEqual([]);
  });

  it('refuses a stream beyond its limit and keeps nothing of it', async () => {
    async function* endless() {
      for (;;) yield await Promise.resolve(Buffer.alloc(700_000));
    }
    await expect(store.putStream(endless(), { maxBytes: 5_000_000 })).rejects.toMatchObject({
      type: 'InvalidRequest',
      facts: { expected: 'at most 5000000 bytes' },
    });
    expect(await incoming()).toEqual([]);
  });

  it('stops when it is aborted and keeps nothing', async () => {
    const abort = new AbortController();
    async function* stopped() {
      for (let n = 0; ; n += 1) {
        if (n === 5) abort.abort(new Error('stop'));
        yield await Promise.resolve(Buffer.alloc(1_100_000));
      }
    }
    await expect(store.putStream(stopped(), { signal: abort.signal })).rejects.toThrow('stop');
    expect(await incoming()).toEqual([]);
  });

  it('finds damage when it reads and heals a truncated blob when it is put again', async () => {
    const { digest } = await store.putBytes('what was meant');
    await chmod(blobPath(digest), 0o644);
    await writeFile(blobPath(digest), 'what came of i');
    await expect(store.readBytes(digest)).rejects.toMatchObject({ type: 'StoreUnavailable' });
    await expect(store.readBytes(digest)).rejects.toThrow(digest);
    await writeFile(blobPath(digest), 'what');
    await store.putBytes('what was meant');
    expect((await store.readBytes(digest)).toString()).toBe('what was meant');
  });

  it('names a blob that it does not have', async () => {
    const digest = sha256('nobody put this');
    expect(await store.has(digest)).toBe(false);
    expect(await store.sizeOf(digest)).toBeNull();
    await expect(store.openRead(digest)).rejects.toThrow(`${digest} is not in the store`);
    await expect(store.materialiseFile(digest, join(scratch, 'out'), 'copy')).rejects.toThrow('is not in the store');
  });

  it('refuses to read at once what is too large, and what only looks like a digest', async () => {
    const { digest } = await store.putBytes('four');
    await expect(store.readBytes(digest, 3)).rejects.toMatchObject({ type: 'InvalidRequest' });
    await expect(store.readBytes('sha256:../../../etc/passwd')).rejects.toMatchObject({ type: 'InvalidRequest' });
  });
});

describe('single files', () => {
  it('replace what is there at once, also when they are the same link already', async () => {
    const { digest } = await store.putBytes('new');
    const target = join(scratch, 'deep', 'er', 'file');
    for (const how of ['copy', 'link', 'link', 'copy'] as const) {
      await store.materialiseFile(digest, target, how);
      expect(await readFile(target, 'utf8')).toBe('new');
      expect(await readdir(dirname(target))).toEqual(['file']);
    }
  });

  it('that cannot be read are the asker’s to mend', async () => {
    await expect(store.putFile(join(scratch, 'absent'))).rejects.toMatchObject({ type: 'InvalidRequest' });
    await expect(store.putFile(scratch)).rejects.toMatchObject({ type: 'InvalidRequest' });
    const failure = await store.putFile(join(scratch, 'absent')).catch((error: unknown) => error);
    expect(String(failure)).not.toContain(scratch);
  });
});

describe('action results and records', () => {
  const result: ActionResult = {
    key: sha256('action'),
    exitCode: 0,
    outputs: { predictions: sha256('p') },
    log: { digest: sha256('l'), size: 1 },
    startedAt: '2026-01-01T00:00:00Z',
    finishedAt: '2026-01-01T00:00:01Z',
    resources: { wallSeconds: 1, cpuSeconds: 0.5, peakMemoryBytes: 1, readBytes: 0, writtenBytes: 0, gpuSeconds: 0 },
    outputBound: 'watched',
    host: 'h1',
  };

  it('keeps an action result under its key', async () => {
    expect(await store.findActionResult(result.key)).toBeNull();
    await store.recordActionResult(result);
    expect(await store.findActionResult(result.key)).toEqual(result);
    await store.recordActionResult({ ...result, host: 'h2' });
    expect((await new FileStore(join(scratch, 'store')).findActionResult(result.key))?.host).toBe('h2');
  });

  it('counts a damaged or misplaced action result as none', async () => {
    await store.recordActionResult(result);
    const folder = join(scratch, 'store', 'actions');
    const [file] = await readdir(folder);
    const other = sha256('other');
    await writeFile(join(folder, `${other.slice(7)}.json`), await readFile(join(folder, file!)));
    expect(await store.findActionResult(other)).toBeNull();
    await writeFile(join(folder, file!), '{"key":');
    expect(await store.findActionResult(result.key)).toBeNull();
  });

  it('keeps records of any name inside its folder', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(
          fc.oneof(fc.string({ minLength: 1, maxLength: 20 }), fc.constantFrom('..', '../x', 'a/b', 'a%2Fb', '/')),
        ),
        async (names) => {
          for (const name of names) await store.writeRecord(name, { name });
          for (const name of names) expect(await store.readRecord(name)).toEqual({ name });
        },
      ),
      { numRuns: 20 },
    );
    expect((await readdir(scratch)).sort()).toEqual(['store']);
    expect(await readdir(join(scratch, 'store'))).toEqual(['records']);
  });

  it('lists records by the beginning of their names, and no drafts', async () => {
    expect(await store.listRecords('host/')).toEqual([]);
    for (const name of ['host/b', 'host/a', 'hosts', 'host/a b/é']) await store.writeRecord(name, 1);
    await writeFile(join(scratch, 'store', 'records', 'host%2Fc.json.0c5c'), '{');
    expect(await store.listRecords('host/')).toEqual(['host/a', 'host/a b/é', 'host/b']);
  });

  it('has null for an absent record and refuses a name that no file could have', async () => {
    expect(await store.readRecord('nobody/wrote')).toBeNull();
    for (const name of ['', 'x'.repeat(300), '\ud800'])
      await expect(store.writeRecord(name, 1)).rejects.toMatchObject({ type: 'InvalidRequest' });
  });
});

describe('a place that fails', () => {
  it('is StoreUnavailable with what to do, without host paths', async () => {
    await writeFile(join(scratch, 'store'), 'a file where the store should be');
    const attempts = [() => store.putBytes('x'), () => store.writeRecord('r', 1), () => store.has(sha256('x'))];
    for (const attempt of attempts) {
      const failure: unknown = await attempt().catch((error: unknown) => error);
      expect(failure).toMatchObject({ type: 'StoreUnavailable' });
      expect(String(failure)).not.toContain(scratch);
    }
  });

  it('says that the disk is full', async () => {
    // The kernel answers every write there with ENOSPC.
    await expect(atPlace('The store could not write.', () => writeFile('/dev/full', 'x'))).rejects.toMatchObject({
      type: 'StoreUnavailable',
      facts: { found: 'the disk is full (ENOSPC)' },
    });
  });
});
