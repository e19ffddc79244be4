import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFile,
  chmod,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as fc from 'fast-check';
import type { Digest } from '../contract';
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

async function contents(folder: string, prefix = ''): Promise<Record<string, string>> {
  const found = Object.create(null) as Record<string, string>;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = `${prefix}${entry.name}`;
    if (entry.isDirectory()) Object.assign(found, await contents(join(folder, entry.name), `${path}/`));
    else found[path] = await readFile(join(folder, entry.name), 'hex');
  }
  return found;
}

const sha256 = (content: string | Uint8Array): Digest => `sha256:${createHash('sha256').update(content).digest('hex')}`;
const blobPath = (digest: Digest) => join(scratch, 'store', 'blobs', digest.slice(7, 9), digest.slice(7));

/** Names that real folders rarely have and hostile ones do. */
const oddName = fc
  .oneof(
    fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }),
    fc.constantFrom(
      '__proto__',
      'constructor',
      '10',
      '9',
      'a\nb',
      ' ',
      '-rf',
      '.hidden',
      '…',
      'é',
      'é',
      '😀',
      '\u{ffff}',
    ),
  )
  .filter((name) => !/[/\0]/.test(name) && name !== '.' && name !== '..');
const oddTree = fc.dictionary(
  fc.array(oddName, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/')),
  fc.uint8Array({ maxLength: 40 }),
  { maxKeys: 8 },
);
/** Without paths that are both a file and a folder. */
const tree = oddTree.map((files) => {
  const paths = Object.keys(files);
  return Object.entries(files).filter(([path]) => !paths.some((other) => other.startsWith(`${path}/`)));
});

describe('trees', () => {
  it('come back as they were put, whatever their names', async () => {
    await fc.assert(
      fc.asyncProperty(tree, fc.constantFrom('link' as const, 'copy' as const), async (files, how) => {
        const folder = await folderOf(Object.fromEntries(files));
        const ref = await store.putTree(folder, { links: 'refuse' });
        expect(ref.files).toBe(files.length);
        expect(ref.size).toBe(files.reduce((sum, [, content]) => sum + content.length, 0));
        const target = join(scratch, `target-${folders}`);
        await store.materialise(ref.digest, target, how);
        expect(await contents(target)).toEqual(await contents(folder));
        for (const [path, content] of files)
          expect(await store.lookUp(ref.digest, path)).toMatchObject({ kind: 'file', digest: sha256(content) });
      }),
      { numRuns: 60 },
    );
  });

  it('have a digest that neither order, times nor modes change', async () => {
    await fc.assert(
      fc.asyncProperty(tree, fc.integer({ min: 1, max: 2_000_000_000 }), async (files, time) => {
        const one = await folderOf(Object.fromEntries(files));
        const two = await folderOf(Object.fromEntries([...files].reverse()));
        for (const [path] of files) {
          await utimes(join(two, path), time, time);
          await chmod(join(two, path), 0o600);
        }
        expect(await store.putTree(one, { links: 'refuse' })).toEqual(await store.putTree(two, { links: 'refuse' }));
      }),
      { numRuns: 30 },
    );
  });

  it('have the digest that docs/store.md gives as its test vector', async () => {
    const folder = await folderOf({ 'mlcube.yaml': 'name: demo\n', 'workspace/run.sh': '#!/bin/sh\n' });
    await chmod(join(folder, 'workspace/run.sh'), 0o755);
    const ref = await store.putTree(folder, { links: 'refuse' });
    const documented = await readFile(join(__dirname, '..', 'docs', 'store.md'), 'utf8');
    expect(documented).toContain((await store.readBytes(ref.digest)).toString());
    expect(documented).toContain(ref.digest);
    expect(ref).toMatchObject({ size: 21, files: 2 });
  });

  it('keep empty folders and the executable bit', async () => {
    const folder = await folderOf({ run: '#!/bin/sh' });
    await chmod(join(folder, 'run'), 0o755);
    await mkdir(join(folder, 'empty'));
    const { digest } = await store.putTree(folder, { links: 'refuse' });
    for (const how of ['link', 'copy'] as const) {
      const target = join(scratch, how);
      await store.materialise(digest, target, how);
      expect((await stat(join(target, 'run'))).mode & 0o777).toBe(how === 'link' ? 0o555 : 0o755);
      expect((await stat(join(target, 'empty'))).mode & 0o777).toBe(0o755);
    }
  });

  it('are read-only links where we own the folder and writable copies elsewhere', async () => {
    const { digest } = await store.putTree(await folderOf({ a: 'content' }), { links: 'refuse' });
    const blob = await stat(blobPath(sha256('content')));
    await store.materialise(digest, join(scratch, 'ours'), 'link');
    await store.materialise(digest, join(scratch, 'theirs'), 'copy');
    expect(await stat(join(scratch, 'ours', 'a'))).toMatchObject({ ino: blob.ino, mode: 0o100444 });
    expect((await stat(join(scratch, 'theirs', 'a'))).mode).toBe(0o100644);
    await writeFile(join(scratch, 'theirs', 'a'), 'edited');
    expect((await store.readBytes(sha256('content'))).toString()).toBe('content');
  });

  it('answer look-ups inside themselves only', async () => {
    const ref = await store.putTree(await folderOf({ 'a/b': 'x', c: 'y' }), { links: 'refuse' });
    const a = await store.lookUp(ref.digest, 'a');
    expect(a?.kind).toBe('directory');
    expect(await store.lookUp(ref.digest, '')).toEqual({ kind: 'directory', digest: ref.digest });
    expect(await store.lookUp(a!.digest, 'b')).toEqual(await store.lookUp(ref.digest, 'a/b'));
    for (const path of ['..', 'a/..', 'a/../c', '/c', 'a/', 'c/b', 'constructor', '__proto__'])
      expect(await store.lookUp(ref.digest, path)).toBeNull();
    expect(Object.keys(await store.listDirectory(ref.digest))).toEqual(['a', 'c']);
  });

  it('can be composed and are then the same as if a folder had been put', async () => {
    const whole = await store.putTree(await folderOf({ 'data/x': '1', 'data/y/z': '22', top: '333' }), {
      links: 'refuse',
    });
    expect(await store.composeTree(await store.listDirectory(whole.digest))).toEqual(whole);
    await expect(
      store.composeTree({ '../x': { kind: 'file', digest: sha256('1'), size: 1, executable: false } }),
    ).rejects.toMatchObject({ type: 'InvalidRequest' });
  });

  it('leave out what is excluded, unread', async () => {
    const folder = await folderOf({ keep: 'k', '.git/config': 'secret', 'a/out': 'o' });
    execFileSync('mkfifo', [join(folder, '.git', 'pipe')]);
    const exclude = (path: string) => path === '.git' || path === 'a/out';
    const { digest } = await store.putTree(folder, { links: 'refuse', exclude });
    await store.materialise(digest, join(scratch, 'out'), 'copy');
    expect(Object.keys(await contents(join(scratch, 'out')))).toEqual(['keep']);
  });

  it('follow links inside people’s folders and refuse those that lead elsewhere', async () => {
    const folder = await folderOf({ 'real/weights': 'w' });
    await symlink('real/weights', join(folder, 'weights'));
    const { digest } = await store.putTree(folder, { links: 'follow' });
    expect(await store.lookUp(digest, 'weights')).toMatchObject({ kind: 'file', digest: sha256('w') });
    await expect(store.putTree(folder, { links: 'refuse' })).rejects.toMatchObject({ type: 'InvalidRequest' });

    for (const to of ['/etc/hostname', '../../outside', 'real', 'nowhere', 'loop']) {
      await unlink(join(folder, 'loop')).catch(() => undefined);
      await writeFile(join(scratch, 'outside'), 'o');
      await symlink(to, join(folder, 'loop'));
      await expect(store.putTree(folder, { links: 'follow' })).rejects.toMatchObject({
        type: 'InvalidRequest',
        facts: { what: expect.stringContaining('"loop"') as string },
      });
    }
  });

  it('refuse FIFOs without waiting for a writer', async () => {
    const folder = await folderOf({ a: 'a' });
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    await expect(store.putTree(folder, { links: 'follow' })).rejects.toThrow('"pipe" cannot be stored');
  });

  it('refuse names that are not valid UTF-8', async () => {
    const folder = await folderOf({});
    await (await open(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0xfe])]), 'w')).close();
    await expect(store.putTree(folder, { links: 'refuse' })).rejects.toThrow('not valid UTF-8');
  });

  it('refuse too many members and too many bytes, a sparse file before it is read', async () => {
    const folder = await folderOf({ a: '1', b: '2', 'c/d': '3' });
    await expect(store.putTree(folder, { links: 'refuse', maxFiles: 3 })).rejects.toThrow('at most 3 files');
    await expect(store.putTree(folder, { links: 'refuse', maxFiles: 4 })).resolves.toMatchObject({ files: 3 });
    const sparse = await open(join(folder, 'sparse'), 'w');
    await sparse.truncate(1024 ** 4);
    await sparse.close();
    await expect(store.putTree(folder, { links: 'refuse', maxBytes: 1e9 })).rejects.toThrow('at most 1000000000 bytes');
  });

  it('hold the bytes that were copied when a file grows meanwhile', async () => {
    const folder = await folderOf({ log: Buffer.alloc(3_000_000) });
    const done = new AbortController();
    const grow = (async () => {
      while (!done.signal.aborted) await appendFile(join(folder, 'log'), 'more');
    })();
    const { digest } = await store.putTree(folder, { links: 'refuse' });
    done.abort();
    await grow;
    const entry = await store.lookUp(digest, 'log');
    const bytes = await store.readBytes(entry!.digest);
    expect(entry).toMatchObject({ digest: sha256(bytes), size: bytes.length });
  });

  it('are never written over a folder with files, and a failed write leaves nothing', async () => {
    const { digest } = await store.putTree(await folderOf({ a: 'a', 'b/c': 'c' }), { links: 'refuse' });
    const target = await folderOf({ mine: 'm' });
    await expect(store.materialise(digest, target, 'copy')).rejects.toMatchObject({ type: 'InvalidRequest' });
    expect(Object.keys(await contents(target))).toEqual(['mine']);
    await unlink(blobPath(sha256('c')));
    await expect(store.materialise(digest, join(scratch, 'half'), 'link')).rejects.toThrow(sha256('c'));
    expect(await readdir(join(scratch, 'half'))).toEqual([]);
  });

  it.each(['../escape', '/etc/x', 'a/b', '..', '.', '', 'nul\0'])(
    'are refused with a member named %j',
    async (name) => {
      const { digest } = await store.putBytes('gift');
      const entry = { digest, executable: false, kind: 'file', name, size: 4 };
      const forged = await store.putBytes(JSON.stringify({ entries: [entry], version: 1 }));
      await expect(store.materialise(forged.digest, join(scratch, 'out'), 'copy')).rejects.toThrow(
        'is not a directory',
      );
      expect(await readdir(join(scratch, 'out'))).toEqual([]);
    },
  );

  it('are told apart from other blobs', async () => {
    for (const text of ['not JSON', '[]', '{"version":2,"entries":[]}', '{"version":1,"entries":[{"name":"a"}]}'])
      await expect(store.listDirectory((await store.putBytes(text)).digest)).rejects.toMatchObject({
        type: 'InvalidRequest',
      });
  });
});
