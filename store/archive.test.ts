import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { Header, Pax } from 'tar';
import type { HeaderData } from 'tar';
import type { Digest } from '../contract';
import { packArchive, unpackArchive } from './archive';
import { FileStore } from './file-store';

const LIMITS = { maxBytes: 50_000_000, maxFiles: 1000, maxRatio: 100 };
const END = Buffer.alloc(1024);

let scratch: string;
let store: FileStore;
let folders = 0;

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'archive-'));
  store = new FileStore(join(scratch, 'store'));
});
afterEach(() => rm(scratch, { recursive: true }));

async function folderOf(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const folder = join(scratch, `folder-${(folders += 1)}`);
  await mkdir(folder);
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  return folder;
}

const treeOf = async (files: Readonly<Record<string, string | Uint8Array>>) =>
  store.putTree(await folderOf(files), { links: 'refuse' });

/** One member, built by hand so that it can be what no tool would write. */
function member(path: string, content: string | Uint8Array = '', more: HeaderData = {}): Buffer {
  const body = Buffer.from(content);
  const block = Buffer.alloc(512);
  new Header({ path, size: body.length, type: 'File', mode: 0o644, mtime: new Date(0), ...more }).encode(block);
  return Buffer.concat([block, body, Buffer.alloc((512 - (body.length % 512)) % 512)]);
}

async function unpack(bytes: Uint8Array, limits = LIMITS) {
  return unpackArchive(store, (await store.putBytes(bytes)).digest, limits);
}

const unpackMembers = (...members: readonly Buffer[]) => unpack(Buffer.concat([...members, END]));

const segment = fc
  .oneof(
    fc.string({ minLength: 1, maxLength: 8, unit: 'grapheme' }),
    fc.constantFrom('__proto__', '10', '9', 'a\nb', '-rf', 'é', '😀', 'x'.repeat(110), `new\nline${'y'.repeat(120)}`),
  )
  .filter((name) => !/[/\0\ufffd]/.test(name) && name !== '.' && name !== '..' && !name.startsWith('._'));
const fileSets = fc
  .dictionary(
    fc.array(segment, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/')),
    fc.uint8Array({ maxLength: 1200 }),
    { maxKeys: 7 },
  )
  .map((files) => {
    const paths = Object.keys(files);
    return Object.entries(files).filter(([path]) => !paths.some((other) => other.startsWith(`${path}/`)));
  });

const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

describe('packArchive', () => {
  it('gives the same bytes whatever times, modes and order of creation', async () => {
    const files = { 'b/two': '2', a: '1', 'b/one': randomBytes(3000) };
    const one = await folderOf(files);
    const two = await folderOf(Object.fromEntries(Object.entries(files).reverse()));
    await utimes(join(two, 'a'), 1, 1);
    await chmod(join(two, 'a'), 0o600);
    await chmod(join(two, 'b'), 0o700);
    const packed = await Promise.all(
      [one, two].map(async (folder) => packArchive(store, (await store.putTree(folder, { links: 'refuse' })).digest)),
    );
    expect(packed[0]).toEqual(packed[1]);
  });

  it('compresses text, without a clock in it, and leaves alone what does not shrink', async () => {
    const text = await treeOf({ 'a.txt': 'case 1 finding none\n'.repeat(100_000), b: 'x' });
    const zipped = await store.readBytes((await packArchive(store, text.digest)).digest);
    expect(isGzip(zipped)).toBe(true);
    expect(zipped.subarray(3, 8)).toEqual(Buffer.alloc(5));
    expect(gunzipSync(zipped)).toHaveLength(2_002_944);
    const weights = await treeOf({ 'w.bin': randomBytes(3_000_000), 'notes.txt': 'short '.repeat(100) });
    const plain = await store.readBytes((await packArchive(store, weights.digest)).digest);
    expect(isGzip(plain)).toBe(false);
    expect(execFileSync('tar', ['-tf', '-'], { input: plain }).toString()).toBe('notes.txt\nw.bin\n');
  });

  it('gives the tar that GNU tar reads: contents without a top folder, sorted, owner 0', async () => {
    const long = `${'n'.repeat(120)}/${'m'.repeat(120)}.bin`;
    const folder = await folderOf({ 'sub/run': 'r', 'a.txt': 'a', [long]: 'long' });
    await chmod(join(folder, 'sub/run'), 0o755);
    await mkdir(join(folder, 'empty'));
    const { digest } = await packArchive(store, (await store.putTree(folder, { links: 'refuse' })).digest);
    const input = await store.readBytes(digest);
    const listed = execFileSync('tar', ['-tvf', '-', '--numeric-owner', '--utc'], { input }).toString().trim();
    expect(listed.split('\n').map((line) => line.replace(/ +/g, ' '))).toEqual([
      '-rw-r--r-- 0/0 1 1970-01-01 00:00 a.txt',
      'drwxr-xr-x 0/0 0 1970-01-01 00:00 empty/',
      `drwxr-xr-x 0/0 0 1970-01-01 00:00 ${'n'.repeat(120)}/`,
      `-rw-r--r-- 0/0 4 1970-01-01 00:00 ${long}`,
      'drwxr-xr-x 0/0 0 1970-01-01 00:00 sub/',
      '-rwxr-xr-x 0/0 1 1970-01-01 00:00 sub/run',
    ]);
  });

  it('fails when a part of the tree is missing', async () => {
    const tree = await treeOf({ a: 'gone' });
    const lost = (await store.lookUp(tree.digest, 'a'))!.digest.slice(7);
    await rm(join(scratch, 'store', 'blobs', lost.slice(0, 2), lost));
    await expect(packArchive(store, tree.digest)).rejects.toMatchObject({ type: 'StoreUnavailable' });
  });

  it('stops when it is aborted', async () => {
    const tree = await treeOf({ a: randomBytes(500_000) });
    await expect(packArchive(store, tree.digest, AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop');
  });
});

describe('unpackArchive', () => {
  it('gives back the tree that was packed, whatever its names, also unzipped', async () => {
    await fc.assert(
      fc.asyncProperty(fileSets, async (files) => {
        const tree = await treeOf(Object.fromEntries(files));
        const { digest } = await packArchive(store, tree.digest);
        expect(await unpackArchive(store, digest, LIMITS)).toEqual(tree);
        const bytes = await store.readBytes(digest);
        expect(await unpack(isGzip(bytes) ? gunzipSync(bytes) : gzipSync(bytes))).toEqual(tree);
      }),
      { numRuns: 60 },
    );
  });

  it.each(['gnu', 'ustar', 'pax', 'v7', 'oldgnu', 'posix'])('reads what GNU tar writes as %s', async (format) => {
    const files = {
      'a.txt': 'a',
      'folder/b.bin': randomBytes(70_000),
      [`${'d'.repeat(60)}/${'e'.repeat(30)}`]: 'long',
    };
    const tree = await treeOf(files);
    const folder = join(scratch, `folder-${folders}`);
    const tar = execFileSync('tar', ['-c', `--format=${format}`, '-C', folder, '.'], { maxBuffer: 1e7 });
    expect(await unpack(tar)).toEqual(tree);
    expect(await unpack(gzipSync(tar))).toEqual(tree);
  });

  it('leaves out the files that macOS adds', async () => {
    const unpacked = await unpackMembers(
      member('a', '1'),
      member('._a', 'x'),
      member('d/._b', 'x'),
      member('d/c', '2'),
    );
    expect(unpacked).toEqual(await treeOf({ a: '1', 'd/c': '2' }));
  });

  it('takes the same member twice', async () => {
    expect(await unpackMembers(member('a', '1'), member('./a', '1'))).toEqual(await treeOf({ a: '1' }));
  });

  const LINK = { linkpath: 'x', size: 0 };
  it.each<[string, Buffer[]]>([
    ['a path with ".."', [member('a/../../b', 'x')]],
    ['a path with ".."', [member('..', '', { type: 'Directory' })]],
    ['a path with ".."', [new Pax({ path: '../evil' }).encode(), member('good', 'x')]],
    ['an absolute path', [member('/etc/passwd', 'x')]],
    ['kind SymbolicLink', [member('l', '', { type: 'SymbolicLink', ...LINK })]],
    ['kind Link', [member('x', '1'), member('l', '', { type: 'Link', ...LINK })]],
    ['kind CharacterDevice', [member('d', '', { type: 'CharacterDevice' })]],
    ['kind BlockDevice', [member('d', '', { type: 'BlockDevice' })]],
    ['kind FIFO', [member('p', '', { type: 'FIFO' })]],
    ['two different files of one name', [member('a', '1'), member('a', '2')]],
    ['a file and a folder of one name', [member('a', '1'), member('a/b', '2')]],
    ['a file and a folder of one name', [member('a/b', '1'), member('a', '2')]],
    ['a file without a name', [member('./.', 'x')]],
    [
      'a name that cannot be used',
      [member('n'.repeat(90), ''), new Pax({ path: 'n'.repeat(256) }).encode(), member('n')],
    ],
    ['more than 2048 bytes', [new Pax({ path: 'd/'.repeat(2100) + 'f' }).encode(), member('n')]],
    ['a sparse file', [paxText('GNU.sparse.major=1'), member('s', 'x')]],
    ['a damaged extended header', [paxText('path=a', 99), member('s', 'x')]],
    ['an impossible size', [paxText('size=1e400'), member('s', 'x')]],
  ])('refuses %s', async (found, members) => {
    await expect(unpackMembers(...members)).rejects.toMatchObject({
      type: 'InvalidRequest',
      facts: { found: expect.stringContaining(found) as string },
    });
  });

  it('refuses what is no archive, damaged or cut anywhere', async () => {
    const whole = Buffer.concat([member('a', randomBytes(1000)), member('b', '2'), END]);
    const zipped = gzipSync(whole);
    const flipped = Buffer.from(zipped);
    flipped[zipped.length - 6]! ^= 1;
    const badHeader = Buffer.from(whole);
    badHeader[3]! ^= 1;
    const cuts = [0, 1, 100, 512, 700, 1536, 2048].map((length) => whole.subarray(0, length));
    const zippedCuts = [2, 12, 400, zipped.length - 1].map((length) => zipped.subarray(0, length));
    const texts = ['hello', '<html></html>'.repeat(100)].map((text) => Buffer.from(text));
    for (const bytes of [...cuts, ...zippedCuts, ...texts, flipped, badHeader])
      await expect(unpack(bytes)).rejects.toMatchObject({ type: 'InvalidRequest' });
    await expect(unpack(zipped)).resolves.toMatchObject({ files: 2 });
  });

  it('never fails but with a MedperfError, whatever the bytes', async () => {
    const whole = Buffer.concat([new Pax({ path: 'é'.repeat(60) }).encode(), member('a', 'content'), member('b'), END]);
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(255), async (at, value) => {
        const bytes = Buffer.from(whole);
        bytes[at] = value;
        const outcome: unknown = await unpack(bytes).catch((error: unknown) => error);
        if (outcome instanceof Error) expect(outcome).toMatchObject({ name: 'MedperfError', type: 'InvalidRequest' });
      }),
      { numRuns: 150 },
    );
  });

  it('stops at each limit and names it', async () => {
    const three = Buffer.concat([member('a'), member('b'), member('c/d'), END]);
    await expect(unpack(three, { ...LIMITS, maxFiles: 3 })).rejects.toThrow('at most 3 files and folders');
    await expect(unpack(three, { ...LIMITS, maxFiles: 4 })).resolves.toMatchObject({ files: 3 });
    await expect(unpack(three, { ...LIMITS, maxBytes: 1000 })).rejects.toThrow('at most 1000 bytes unpacked');
    const bomb = gzipSync(Buffer.concat([member('zeros', Buffer.alloc(20_000_000)), END]));
    await expect(unpack(bomb)).rejects.toThrow('at most 100 bytes unpacked for each byte of the archive');
    await expect(unpack(bomb, { ...LIMITS, maxRatio: 5000 })).resolves.toMatchObject({ size: 20_000_000 });
  });

  it('counts what follows the end of the tar', async () => {
    const hidden = gzipSync(Buffer.concat([member('a'), END, Buffer.alloc(60_000_000)]));
    await expect(unpack(hidden, { ...LIMITS, maxRatio: 1e6 })).rejects.toThrow('at most 50000000 bytes');
  });

  it('unpacks many small members beside a large one as a folder of them is put', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 6000 }, (_, at) => [`d${at % 7}/f${at}`, at % 5 === 0 ? 'same' : `${at}`]),
    );
    const tree = await treeOf({ ...files, 'large.bin': Buffer.alloc(2_000_000, 1) });
    const { digest } = await packArchive(store, tree.digest);
    const archive = await store.readBytes(digest);
    const fresh = new FileStore(join(scratch, 'fresh'));
    const put = await fresh.putBytes(archive);
    expect(await unpackArchive(fresh, put.digest, { ...LIMITS, maxFiles: 7000 })).toEqual(tree);
    expect(await fresh.isWhole(tree.digest)).toBe(true);
  });

  it('leaves no half files when it is refused in the middle', async () => {
    const small = Array.from({ length: 50 }, (_, at) => member(`f${at}`, randomBytes(200_000)));
    await expect(unpackMembers(...small, member('/etc/passwd', 'x'))).rejects.toThrow('an absolute path');
    const blobs = await readdir(join(scratch, 'store', 'blobs'), { recursive: true });
    expect(blobs.filter((name) => name.includes('~'))).toEqual([]);
  });

  it('names a blob that is missing, stops when aborted, leaves nothing on its way', async () => {
    const absent: Digest = `sha256:${'0'.repeat(64)}`;
    await expect(unpackArchive(store, absent, LIMITS)).rejects.toThrow('is not in the store');
    const { digest } = await store.putBytes(Buffer.concat([member('a', randomBytes(3_000_000)), END]));
    const abort = AbortSignal.abort(new Error('stop'));
    await expect(unpackArchive(store, digest, LIMITS, { signal: abort })).rejects.toThrow('stop');
    expect(await readdir(join(scratch, 'store', 'incoming'))).toEqual([]);
  });
});

/** A pax header with one record, of a wrong length if given. */
function paxText(record: string, length = record.length + 4): Buffer {
  return member('PaxHeader/x', `${length} ${record}\n`, { type: 'ExtendedHeader' });
}
