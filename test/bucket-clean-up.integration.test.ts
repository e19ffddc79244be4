import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DeleteObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import type { ActionResult, Digest } from '../contract';
import { FileStore } from '../store/file-store';
import { bucketUsage, cleanUpBucket } from '../store/s3/bucket-clean-up';
import { BucketUses } from '../store/s3/bucket-uses';
import { verifyBucket } from '../store/s3/bucket-verify';
import { connectBucket } from '../store/s3/connection';
import type { Bucket, BucketPlace } from '../store/s3/connection';
import { S3Store } from '../store/s3/s3-store';
import { isSound } from '../store/verify';
import { faultSeed, seeded } from './faults/seeded';
import { eventually } from './medperf-stack';
import { S3_ENVIRONMENT, S3Server } from './s3-server';

const BUCKET = 'cleaned';
const LONG_AGO = new Date(Date.now() - 3 * 86_400_000);
const QUICK = { removalMs: 5_000, deadAfterMs: 300 };
const RESOURCES = { wallSeconds: 1, cpuSeconds: 1, peakMemoryBytes: 1, readBytes: 1, writtenBytes: 1, gpuSeconds: 0 };

let scratch: string;
let server: S3Server;
let buckets: Bucket[] = [];
let prefixes = 0;
let place: BucketPlace;
let bucket: Bucket;

beforeAll(async () => {
  Object.assign(process.env, S3_ENVIRONMENT);
  server = await S3Server.start();
  await server.makeBucket(BUCKET);
});
afterAll(() => server.stop());

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'bucket-clean-up-'));
  elsewhere();
});
afterEach(async () => {
  for (const { client } of buckets) client.destroy();
  buckets = [];
  await rm(scratch, { recursive: true });
});

/** From now on, in an empty place. */
function elsewhere(): void {
  place = { bucket: BUCKET, endpoint: server.endpoint, prefix: `prefix-${(prefixes += 1)}` };
  bucket = connected();
}

function connected(): Bucket {
  const made = connectBucket(place);
  buckets.push(made);
  return made;
}

/** Another host, or another process. */
const host = (cache = `cache-${buckets.length}`): S3Store =>
  new S3Store(new FileStore(join(scratch, cache)), connected());
const allLongAgo = (): Promise<void> => server.dateObjects(BUCKET, place.prefix!, LONG_AGO);
const cleaned = (options: Partial<Parameters<typeof cleanUpBucket>[1]> = {}) =>
  cleanUpBucket(bucket, { pins: [], ...options }, QUICK);
const verified = () => verifyBucket(bucket, new FileStore(join(scratch, 'none')));
const sha256 = (content: string): Digest => `sha256:${createHash('sha256').update(content).digest('hex')}`;
const keyOf = (digest: Digest) => `${place.prefix!}/blobs/${digest.slice(7, 9)}/${digest.slice(7)}`;

async function keysBelow(prefix: string): Promise<readonly (string | undefined)[]> {
  const { Contents = [] } = await bucket.client.send(new ListObjectsV2Command({ Bucket: BUCKET, Prefix: prefix }));
  return Contents.map(({ Key }) => Key);
}

async function folderOf(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(scratch, 'folder-'));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return folder;
}

async function treeOf(store: S3Store, files: Readonly<Record<string, string>>): Promise<Digest> {
  return (await store.putTree(await folderOf(files), { links: 'refuse' })).digest;
}

function resultOf(key: string, output: Digest, log: ActionResult['log']): ActionResult {
  const at = LONG_AGO.toISOString();
  const times = { startedAt: at, finishedAt: at, host: 'one', resources: RESOURCES };
  return { key: sha256(key), exitCode: 0, outputs: { output_path: output }, log, ...times, outputBound: 'watched' };
}

it('removes what nothing reaches and keeps what a record, running work or a recent use needs', async () => {
  const one = host();
  const recorded = await treeOf(one, { 'a/b.txt': 'recorded', 'c.txt': 'c' });
  await one.writeRecord('kept', { tree: recorded });
  const pinned = await treeOf(one, { 'pinned.txt': 'pinned' });
  const { digest: hinted } = await one.putBytes('only a hint names it');
  await one.writeRecord('hints/seen', { hinted });
  const unused = await treeOf(one, { 'a/b.txt': 'unused', 'c.txt': 'c' });
  await allLongAgo();
  const { digest: recent } = await one.putBytes('just put');

  const dry = await cleaned({ pins: [pinned], dryRun: true });
  const told = await cleaned({ pins: [pinned] });
  expect(dry).toEqual(told);
  // The hinted content, the unused file and its two folders.
  expect(told.removed.files).toBe(4);
  expect(await bucketUsage(bucket)).toMatchObject({ blobs: told.kept, records: 1, freeBytes: null });
  expect(isSound(await verified())).toBe(true);
  const other = host();
  for (const digest of [recorded, pinned, recent]) expect(await other.has(digest)).toBe(true);
  for (const digest of [hinted, unused]) expect(await other.has(digest)).toBe(false);
  await other.materialise(recorded, join(scratch, 'out'), 'copy');
});

it('lets results that were used longest ago give way to a limit', async () => {
  const one = host();
  const log = await one.putBytes('log');
  for (const name of ['old', 'used'])
    await one.recordActionResult(resultOf(name, (await one.putBytes(name.padEnd(1_000, name))).digest, log));
  await allLongAgo();
  // Two hours and more ago, and yet after the other.
  await host().findActionResult(sha256('used'));
  await server.dateObjects(BUCKET, `${place.prefix!}/uses`, new Date(Date.now() - 2 * 86_400_000));
  const told = await cleaned({ limitBytes: 1_500 });
  expect(told.dropped).toEqual({ results: 1, records: 0 });
  expect(await host().findActionResult(sha256('old'))).toBeNull();
  expect(await host().findActionResult(sha256('used'))).not.toBeNull();
  expect(isSound(await verified())).toBe(true);
});

it('spares what another host finds and will use, with all that is below it, at any moment of the clean-up', async () => {
  const files = { 'a/b.txt': 'deep', 'c.txt': 'c' };
  const tree = await treeOf(host(), files);
  const { digest: read } = await host().putBytes('read');
  await allLongAgo();
  const uses = async function* (): AsyncGenerator<Digest> {
    // The bucket was read: what is noted now is seen by the removal only.
    expect(await host().has(tree)).toBe(true);
    await host().readBytes(read);
    yield* [];
  };
  expect((await cleaned({ pins: uses() })).removed.files).toBe(0);
  expect(isSound(await verified())).toBe(true);
});

it('is not believed to have what it has no more by a host that has it in its cache', async () => {
  const first = host('cache');
  const files = { 'a/b.txt': 'deep', 'c.txt': 'c' };
  const tree = await treeOf(first, files);
  const small = await first.putBytes('small');
  await allLongAgo();
  await cleaned();
  const again = host('cache');
  expect(await again.has(tree)).toBe(false);
  expect(await again.isWhole(tree)).toBe(false);
  const composed = await again.composeTree({
    sub: { kind: 'directory', digest: tree },
    file: { kind: 'file', ...small, executable: false },
  });
  expect(isSound(await verified())).toBe(true);
  await host().materialise(composed.digest, join(scratch, 'out'), 'copy');
  expect((await treeOf(again, files)) === tree).toBe(true);
});

it('holds off who would rely on something until its removal is over, and forgets a clean-up that died', async () => {
  const { digest } = await host().putBytes('there');
  await allLongAgo();
  const order: string[] = [];
  let found: Promise<boolean> | undefined;
  await new BucketUses(bucket, QUICK).whileRemoving(async () => {
    const other = host();
    found = other.has(digest).then((has) => {
      order.push('found');
      return has;
    });
    // It has looked, and will not see what comes next.
    await eventually(
      () => keysBelow(`${place.prefix!}/uses`),
      (notes) => notes.length > 0,
    );
    await bucket.client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: keyOf(digest) }));
    order.push('removed');
  });
  expect(await found).toBe(false);
  expect(order).toEqual(['removed', 'found']);

  await bucket.client.send(new PutObjectCommand({ Bucket: BUCKET, Key: `${place.prefix!}/removing`, Body: '' }));
  await host().putBytes('unused');
  await allLongAgo();
  expect((await cleaned()).removed.files).toBe(1);
});

it('two clean-ups at once remove what one would, and harm no writer', async () => {
  const one = host();
  for (let at = 0; at < 20; at += 1) await one.putBytes(`unused ${at}`);
  await allLongAgo();
  const writing = async (): Promise<Digest[]> => {
    const digests: Digest[] = [];
    for (let at = 0; at < 20; at += 1) digests.push((await host().putBytes(`unused ${at}`)).digest);
    return digests;
  };
  const [, , written] = await Promise.all([cleaned(), cleanUpBucket(connected(), { pins: [] }, QUICK), writing()]);
  const other = host();
  for (const digest of written) expect(await other.has(digest)).toBe(true);
});

it('keeps to its prefix, and removes notes on what is gone', async () => {
  await host().putBytes('unused');
  const foreign = { Bucket: BUCKET, Key: 'somebody-elses' };
  await bucket.client.send(new PutObjectCommand({ ...foreign, Body: 'x' }));
  await server.dateObjects(BUCKET, '', LONG_AGO);
  await host().has(sha256('unused'));
  await allLongAgo();
  expect((await cleaned()).removed.files).toBe(1);
  expect((await cleaned()).leftOvers.files).toBe(1);
  expect(await keysBelow(place.prefix!)).toEqual([]);
  expect(await keysBelow('some')).toEqual([foreign.Key]);
});

it('puts again what the bucket has damaged and this host has in its cache', async () => {
  const [one, other] = [host('cache'), host()];
  const here = await one.putBytes('here');
  const gone = await other.putBytes('gone');
  for (const { digest } of [here, gone])
    await server.client.send(new PutObjectCommand({ Bucket: BUCKET, Key: keyOf(digest), Body: 'xxxx' }));
  const cache = new FileStore(join(scratch, 'cache'));
  expect((await verifyBucket(bucket, cache)).damaged).toHaveLength(2);
  const { damaged } = await verifyBucket(bucket, cache, { quarantine: true });
  expect(damaged).toHaveLength(2);
  for (const blob of damaged) expect(blob).toMatchObject({ quarantined: true, repaired: blob.digest === here.digest });
  expect(isSound(await verified())).toBe(true);
  expect((await host().readBytes(here.digest)).toString()).toBe('here');
});

it('is sound whenever a clean-up is killed', async () => {
  const seed = faultSeed();
  process.stdout.write(`bucket clean-up with FAULT_SEED=${seed}\n`);
  const random = seeded(seed);
  const prepare = async (): Promise<void> => {
    elsewhere();
    const one = host();
    const keep = await treeOf(one, { 'a/b/c.txt': 'kept', 'd.txt': 'shared' });
    await one.writeRecord('kept', { keep });
    for (let at = 0; at < 5; at += 1) await treeOf(one, { 'a/b/c.txt': `unused ${at}`, 'd.txt': 'shared' });
    await allLongAgo();
  };
  await prepare();
  const { requests } = JSON.parse(await inAnotherProcess({})) as { requests: number };
  for (const when of ['before', 'after']) {
    // A clean-up that waits longer asks more: one that needed fewer requests than that is killed sooner the next time.
    for (let at = 1 + Math.floor(random() * requests), killed = false; !killed; at = Math.ceil(at / 2)) {
      await prepare();
      killed = (await inAnotherProcess({ KILL_AT_REQUEST: String(at), KILL_WHEN: when })) === 'killed';
      expect(killed || at > 1).toBe(true);
    }
    expect(await verified()).toMatchObject({ damaged: [], missing: [], unreadable: [], foreign: [] });
    await cleaned();
    expect(isSound(await verified())).toBe(true);
    expect((await bucketUsage(bucket)).blobs).toEqual((await bucketUsage(bucket)).reached);
  }
});

function inAnotherProcess(kill: NodeJS.ProcessEnv): Promise<string> {
  const program = join(__dirname, 'faults', 'bucket-clean-up.js');
  return new Promise((resolve, reject) => {
    const env = { ...process.env, ...kill };
    const child = spawn(process.execPath, [program, JSON.stringify(place)], { env, stdio: 'pipe' });
    let told = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (told += text));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (signal === 'SIGKILL') resolve('killed');
      else if (code === 0) resolve(told);
      else reject(new Error(told));
    });
  });
}
