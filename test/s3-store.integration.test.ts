import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import type { ActionResult, Digest } from '../contract';
import { cleanUp } from '../store/clean-up';
import { DEFAULT_UNPACK_LIMITS, packArchive, unpackArchive } from '../store/archive';
import { FileStore } from '../store/file-store';
import { connectBucket } from '../store/s3/connection';
import type { Bucket } from '../store/s3/connection';
import { S3Store } from '../store/s3/s3-store';
import { CuttingProxy } from './cutting-proxy';
import { S3_ENVIRONMENT, S3Server } from './s3-server';

const MIB = 1024 * 1024;
const BUCKET = 'shared-store';

let scratch: string;
let server: S3Server;
let hosts: Host[] = [];
let prefixes = 0;
let prefix: string;

/** One host's store and what it asked the server for. */
interface Host {
  readonly store: S3Store;
  readonly cache: string;
  readonly bucket: Bucket;
  /** Such as `PutObjectCommand`, with the range where there was one. */
  readonly asked: string[];
}

beforeAll(async () => {
  Object.assign(process.env, S3_ENVIRONMENT);
  server = await S3Server.start();
  await server.makeBucket(BUCKET);
});
afterAll(() => server.stop());

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 's3-store-'));
  prefix = `prefix-${(prefixes += 1)}`;
});
afterEach(async () => {
  for (const { bucket } of hosts) bucket.client.destroy();
  hosts = [];
  await rm(scratch, { recursive: true });
});

function host(endpoint = server.endpoint): Host {
  const cache = join(scratch, `cache-${hosts.length}`);
  const bucket = connectBucket({ bucket: BUCKET, endpoint, prefix });
  const asked: string[] = [];
  bucket.client.middlewareStack.add(
    (next, { commandName = '' }) =>
      (args) => {
        const { Range, Key = '' } = args.input as { Range?: string; Key?: string };
        // Notes of uses, and looks for a removal under way, come at most once an hour.
        if (!Key.startsWith(`${prefix}/uses/`) && Key !== `${prefix}/removing`)
          asked.push(Range === undefined ? commandName : `${commandName} ${Range}`);
        return next(args);
      },
    { step: 'initialize' },
  );
  const made = { store: new S3Store(new FileStore(cache), bucket), cache, bucket, asked };
  hosts.push(made);
  return made;
}

const sha256 = (content: string | Uint8Array): Digest => `sha256:${createHash('sha256').update(content).digest('hex')}`;
const keyOf = (digest: Digest) => `${prefix}/blobs/${digest.slice(7, 9)}/${digest.slice(7)}`;
const puts = ({ asked }: Host) =>
  asked.filter((name) => name.startsWith('Put') || name.startsWith('UploadPart')).length;

async function folderOf(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const folder = await mkdtemp(join(scratch, 'folder-'));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(folder, name, '..'), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return folder;
}

it('shares trees between hosts, and sends what is there only once', async () => {
  const [one, other] = [host(), host()];
  const folder = await folderOf({ 'mlcube.yaml': 'name: x\n', 'a/b/c.txt': 'deep', 'a/empty': '', 'same.txt': 'deep' });
  const { digest } = await one.store.putTree(folder, { links: 'refuse' });
  await other.store.materialise(digest, join(scratch, 'out'), 'link');
  expect(await readFile(join(scratch, 'out', 'a', 'b', 'c.txt'), 'utf8')).toBe('deep');
  expect(await readFile(join(scratch, 'out', 'a', 'empty'), 'utf8')).toBe('');

  const sent = puts(one);
  await one.store.putTree(folder, { links: 'refuse' });
  expect(puts(one)).toBe(sent);
  // Three contents (one of them twice), and three folders; two hosts may send the same at once.
  await other.store.putTree(folder, { links: 'refuse' });
  expect(puts(other)).toBe(0);
  const asked = other.asked.length;
  await other.store.materialise(digest, join(scratch, 'again'), 'copy');
  expect(other.asked.length).toBe(asked);
});

it('shares what one host unpacked, folders after what is in them', async () => {
  const [one, other] = [host(), host()];
  const folder = await folderOf({ 'a/b/c.txt': 'deep', 'a/empty': '', 'large.bin': randomBytes(2 * MIB) });
  const { digest: tree } = await one.store.putTree(folder, { links: 'refuse' });
  const archive = await packArchive(other.store, tree);
  const before = other.asked.length;
  expect((await unpackArchive(other.store, archive.digest, DEFAULT_UNPACK_LIMITS)).digest).toBe(tree);
  // All of it is in the bucket: small things are sent unasked, and found there.
  expect(other.asked.slice(before).filter((name) => name.startsWith('Put'))).toHaveLength(5);

  const fresh = host();
  await fresh.store.materialise(tree, join(scratch, 'unpacked'), 'copy');
  expect(await readFile(join(scratch, 'unpacked', 'a', 'b', 'c.txt'), 'utf8')).toBe('deep');
});

it('goes on when a host has lost what it kept', async () => {
  const one = host();
  const { digest } = await one.store.putTree(await folderOf({ 'a.txt': 'a', 'b/c.txt': 'c' }), { links: 'refuse' });
  await rm(one.cache, { recursive: true });
  expect((await one.store.lookUp(digest, 'b/c.txt'))?.digest).toBe(sha256('c'));
  expect((await one.store.readBytes(sha256('a'))).toString()).toBe('a');
  expect(await one.store.sizeOf(sha256('c'))).toBe(1);
});

it('makes room for what is used, which comes again when it is wanted', async () => {
  const one = host();
  const content = randomBytes(3 * MIB);
  const { digest } = await one.store.putBytes(content);
  const told = await cleanUp(one.cache, { pins: [], isCache: true, limitBytes: MIB });
  expect(told.removed.files).toBe(0);
  await age(one.cache);
  expect((await cleanUp(one.cache, { pins: [], isCache: true })).removed.files).toBe(0);
  expect((await cleanUp(one.cache, { pins: [], isCache: true, limitBytes: MIB })).removed.files).toBe(1);
  expect(sha256(await one.store.readBytes(digest))).toBe(digest);
});

it('keeps results and records for all hosts', async () => {
  const [one, other] = [host(), host()];
  const resources = { wallSeconds: 1, cpuSeconds: 1, peakMemoryBytes: 1, readBytes: 1, writtenBytes: 1, gpuSeconds: 0 };
  const log = await one.store.putBytes('log');
  const at = new Date(0).toISOString();
  const result: ActionResult = {
    key: sha256('key'),
    ...{ exitCode: 0, outputs: {}, log, startedAt: at, finishedAt: at, host: 'one', resources, outputBound: 'watched' },
  };
  expect(await other.store.findActionResult(result.key)).toBeNull();
  await one.store.recordActionResult(result);
  expect(await other.store.findActionResult(result.key)).toEqual(result);

  expect(await other.store.readRecord('cubes/é b/1')).toBeNull();
  await one.store.writeRecord('cubes/é b/1', { a: [1, null] });
  await one.store.writeRecord('cubes/2', 1);
  await one.store.writeRecord('other', 1);
  await one.store.writeRecord('cubes/2', 2);
  expect(await other.store.readRecord('cubes/é b/1')).toEqual({ a: [1, null] });
  expect(await other.store.readRecord('cubes/2')).toBe(2);
  expect(await other.store.listRecords('cubes/')).toEqual(['cubes/2', 'cubes/é b/1']);
});

it('puts a damaged object aside, so that it can be put again', async () => {
  const [one, other] = [host(), host()];
  for (const content of [randomBytes(100), randomBytes(2 * MIB)]) {
    const { digest, size } = await one.store.putBytes(content);
    const Body = Buffer.alloc(size, 'x');
    await server.client.send(new PutObjectCommand({ Bucket: BUCKET, Key: keyOf(digest), Body }));
    await expect(other.store.readMany([{ digest, size }])).rejects.toMatchObject({
      type: 'StoreUnavailable',
      message: expect.stringContaining('damaged in the bucket') as string,
    });
    await expect(other.store.readBytes(digest)).rejects.toMatchObject({ type: 'StoreUnavailable' });
    const aside = { Bucket: BUCKET, Key: `${prefix}/quarantine/${digest.slice(7)}` };
    expect((await server.client.send(new HeadObjectCommand(aside))).ContentLength).toBe(size);
    await one.store.putBytes(content);
    expect(sha256(await other.store.readBytes(digest))).toBe(digest);
  }
});

it('says what is not there, and whose fault an unknown bucket is', async () => {
  const one = host();
  await expect(one.store.readBytes(sha256('nothing'))).rejects.toMatchObject({ type: 'StoreUnavailable' });
  expect(await one.store.has(sha256('nothing'))).toBe(false);
  const bucket = connectBucket({ bucket: 'no-such-bucket', endpoint: server.endpoint });
  const lost = new S3Store(new FileStore(join(scratch, 'lost')), bucket);
  await expect(lost.putBytes('x')).rejects.toMatchObject({ type: 'NeedsAttention' });
  bucket.client.destroy();
});

it('goes on with a large content where its connection was cut', async () => {
  const content = randomBytes(96 * MIB);
  const { digest } = await host().store.putBytes(content);
  const proxy = await CuttingProxy.before(server.endpoint, 50 * MIB);
  const other = host(proxy.endpoint);
  await expect(other.store.openRead(digest)).rejects.toMatchObject({ type: 'StoreUnavailable' });
  expect(sha256(await other.store.readBytes(digest, 100 * MIB))).toBe(digest);
  expect(other.asked.at(-1)).toMatch(/^GetObjectCommand bytes=[1-9]\d+-$/);
  proxy.close();
});

it('sends what comes in parts when it is whole', async () => {
  const [one, other] = [host(), host()];
  const partial = await one.store.openPartial('a download');
  await partial.begin('"etag"');
  await partial.write([Buffer.from('half ')]);
  await partial.write([Buffer.from('whole')]);
  const { digest } = await partial.finish();
  expect((await other.store.readBytes(digest)).toString()).toBe('half whole');
});

async function age(folder: string): Promise<void> {
  const at = new Date(Date.now() - 3 * 86_400_000);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await age(path);
    else await utimes(path, at, at);
  }
}
