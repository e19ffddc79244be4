import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DeleteObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { S3Publisher } from '../hosting/s3-publisher';
import { connectBucket } from '../store/s3/connection';
import { sweepUploads } from '../store/s3/unfinished-uploads';
import { surviveKilledUpload } from './killed-upload';
import { MIB, PREFIX, S3Publishing, servedHash, urlsOf } from './s3-publishing';
import { S3_USER, S3Server } from './s3-server';

const run = promisify(execFile);

let s3: S3Publishing;

beforeAll(async () => {
  s3 = await S3Publishing.start();
});
afterAll(() => s3.stop());
afterEach(() => {
  s3.proxy.onAnswered = () => undefined;
});

describe('S3Publisher', () => {
  it('publishes small and large files under their contents’ addresses; again it sends nothing', async () => {
    const [manifest, weights] = [await s3.store.putBytes('name: x\n'), await s3.content(20 * MIB + 5)];
    const files = { 'mlcube.yaml': manifest.digest, 'additional_files.tar.gz': weights.digest };

    const shares: string[] = [];
    const onProgress = (name: string, done: number, total: number): void =>
      void shares.push(`${name} ${done}/${total}`);

    const published = await s3.publisher.publish('model', files, { onProgress });

    const urls = urlsOf(published);
    const base = `${s3.server.endpoint}/cubes/${PREFIX}/model`;
    expect(urls).toEqual({
      'mlcube.yaml': `${base}/${manifest.digest.slice(7, 19)}/mlcube.yaml`,
      'additional_files.tar.gz': `${base}/${weights.digest.slice(7, 19)}/additional_files.tar.gz`,
    });
    expect(await servedHash(urls['mlcube.yaml'])).toBe(manifest.digest);
    expect(await servedHash(urls['additional_files.tar.gz'])).toBe(weights.digest);
    expect((await fetch(urls['mlcube.yaml']!)).headers.get('content-type')).toBe('application/yaml');
    expect(s3.partsSent().sort()).toEqual([1, 2, 3]);
    expect(shares).toHaveLength(3);
    expect(shares.at(-1)).toBe(`additional_files.tar.gz ${weights.size}/${weights.size}`);

    const before = s3.proxy.answered.length;
    expect(await s3.publisher.publish('model', files)).toEqual(published);
    const again = s3.proxy.answered.slice(before);
    expect(again.map((line) => line.split(' ')[0]).sort()).toEqual(['GET', 'HEAD', 'HEAD']);
  });

  it('publishes an empty file', async () => {
    const empty = await s3.content(0);
    const urls = urlsOf(await s3.publisher.publish('model', { empty: empty.digest }));
    expect(await servedHash(urls['empty'])).toBe(empty.digest);
  });

  // How far the killed upload came, and whether its heartbeat reached the server.
  it.each([
    [1, true],
    [4, false],
    [9, true],
    [11, false],
  ])('killed after %i of 12 parts it goes on in another process (heartbeat kept: %j)', (parts, heartbeat) =>
    surviveKilledUpload(s3, parts, heartbeat),
  );

  it('sends a part again whose bytes at the server are others', async () => {
    const content = await s3.content(24 * MIB);
    const other = await s3.content(24 * MIB);
    const stop = new AbortController();
    void s3.whenStored(2).then(() => stop.abort(new Error('stopped')));
    const options = { signal: stop.signal, keepUnfinished: () => true };
    // An upload that begins with foreign bytes under the key of the content.
    const foreign = s3.publisherReading((_, range) => s3.store.openRead(other.digest, range));
    await expect(foreign.publish('swapped', { weights: content.digest }, options)).rejects.toThrow('stopped');
    expect(await s3.unfinished()).toHaveLength(1);
    const before = s3.proxy.answered.length;

    const urls = urlsOf(await s3.publisher.publish('swapped', { weights: content.digest }));
    expect(s3.partsSent(before).sort()).toEqual([1, 2, 3]);
    expect(await servedHash(urls['weights'])).toBe(content.digest);
  });

  it('aborted it gives its upload up; at a stop of the worker it keeps it', async () => {
    const content = await s3.content(96 * MIB);
    const publish = async (keep: boolean): Promise<Record<string, string>> => {
      const stop = new AbortController();
      let unfinished: Record<string, string> = {};
      void s3.whenStored(2).then(() => stop.abort(new Error('stopped')));
      const publishing = s3.publisher.publish(
        'stopped',
        { weights: content.digest },
        { signal: stop.signal, keepUnfinished: () => keep, onUnfinished: (uploads) => (unfinished = { ...uploads }) },
      );
      await expect(publishing).rejects.toThrow('stopped');
      return unfinished;
    };
    expect(await publish(false)).toEqual({});
    expect(await s3.unfinished()).toEqual([]);

    const kept = await publish(true);
    const [upload] = await s3.unfinished();
    const key = s3.key('stopped', 'weights', content);
    expect(kept).toEqual({ [key]: upload?.UploadId });
    const held = await s3.held(key, content);
    const before = s3.proxy.answered.length;
    await s3.publisher.publish('stopped', { weights: content.digest }, { unfinished: kept });
    expect(s3.partsSent(before).filter((part) => held.includes(part))).toEqual([]);
  });

  it('says when the store cannot be read, and keeps what was sent', async () => {
    const content = await s3.content(96 * MIB);
    const broken = s3.publisherReading(async (digest, range) => {
      const whole = await s3.store.openRead(digest, range);
      if (range?.start !== 80 * MIB) return whole;
      return whole.on('data', () => whole.destroy(Object.assign(new Error('/a/host/path'), { code: 'EIO' }))).pause();
    });
    await expect(broken.publish('unreadable', { weights: content.digest })).rejects.toMatchObject({
      type: 'StoreUnavailable',
      message: expect.stringMatching(/could not read sha256:\w+\..*\(EIO\)/) as string,
    });
    const held = await s3.held(s3.key('unreadable', 'weights', content), content);
    expect(held).not.toEqual([]);
    const before = s3.proxy.answered.length;
    await s3.publisher.publish('unreadable', { weights: content.digest });
    expect(s3.partsSent(before).filter((part) => held.includes(part))).toEqual([]);
  });

  it('gives up what an earlier attempt began when it is cancelled at once', async () => {
    const content = await s3.content(24 * MIB);
    const unfinished = await s3.beginUpload(s3.key('at-once', 'weights', content));
    const signal = AbortSignal.abort(new Error('stopped'));
    const publishing = s3.publisher.publish('at-once', { weights: content.digest }, { signal, unfinished });
    await expect(publishing).rejects.toThrow('stopped');
    expect(await s3.unfinished()).toEqual([]);
  });

  it('does not send a part again of which only the answer was lost', async () => {
    const content = await s3.content(24 * MIB);
    const key = s3.key('lost-answer', 'weights', content);
    const before = s3.proxy.answered.length;
    s3.proxy.spoil('PUT', key, 'drop the answer');
    expect(await s3.publishElsewhere('lost-answer', 'weights', content, {}).ended).toBe(0);
    expect(s3.partsSent(before).sort()).toEqual([1, 2, 3]);
  });

  it('goes on when the server was away for a moment', async () => {
    const content = await s3.content(96 * MIB);
    const before = s3.proxy.answered.length;
    const restarted = s3.whenStored(3).then(() => s3.server.restart());
    expect(await s3.publishElsewhere('away', 'weights', content, {}).ended).toBe(0);
    await restarted;
    const sent = s3.partsSent(before);
    expect(new Set(sent).size).toBe(12);
    expect(sent.length).toBeLessThanOrEqual(12 + 6);
  });

  it('leaves another object under the key as it is and says so', async () => {
    for (const content of [await s3.content(100), await s3.content(24 * MIB)]) {
      const Key = s3.key('foreign', 'file', content);
      await s3.server.client.send(new PutObjectCommand({ Bucket: 'cubes', Key, Body: 'something else' }));
      await expect(s3.publisher.publish('foreign', { file: content.digest })).rejects.toMatchObject({
        type: 'HashMismatch',
        facts: { what: expect.stringContaining(Key) as string },
      });
      expect(await (await fetch(`${s3.server.endpoint}/cubes/${Key}`)).text()).toBe('something else');
    }
  });

  it('finds another object that came while it uploaded, and gives the upload up', async () => {
    const content = await s3.content(96 * MIB);
    const Key = s3.key('foreign', 'late', content);
    const put = new PutObjectCommand({ Bucket: 'cubes', Key, Body: 'late' });
    const came = s3.whenStored(1).then(() => s3.server.client.send(put));
    await expect(s3.publisher.publish('foreign', { late: content.digest })).rejects.toMatchObject({
      type: 'HashMismatch',
    });
    await came;
    expect(await s3.unfinished()).toEqual([]);
  });

  it('takes the same content that somebody else put there', async () => {
    const content = await s3.store.putBytes('put by hand');
    const Key = s3.key('by-hand', 'file', content);
    await s3.server.client.send(new PutObjectCommand({ Bucket: 'cubes', Key, Body: 'put by hand' }));
    const before = s3.proxy.answered.length;
    await s3.publisher.publish('by-hand', { file: content.digest });
    expect(s3.proxy.answered.slice(before).filter((line) => line.startsWith('PUT'))).toEqual([]);
  });

  it('publishes once when two do it at once', async () => {
    for (const bytes of [1000, 48 * MIB]) {
      const content = await s3.content(bytes);
      const publish = () => s3.publisher.publish('twice', { file: content.digest });
      const [one, other] = await Promise.all([publish(), publish()]);
      expect(one).toEqual(other);
      expect(await servedHash(one['file']?.url)).toBe(content.digest);
    }
    expect(await s3.unfinished()).toEqual([]);
  });

  it('sweeps uploads that nobody went on with for a week, of its own keys only', async () => {
    const content = await s3.content(10);
    const week = 7 * 24 * 60 * 60 * 1000;
    const [own, others] = [s3.key('stray', 'weights', content), 'backups/stray'];
    for (const key of [own, `${PREFIX}/not-ours`, others]) await s3.beginUpload(key);
    await s3.server.dateUploads('cubes', new Date(Date.now() - week + 60_000));
    await s3.publisher.publish('sweeping', { file: content.digest });
    expect(await s3.unfinished()).toHaveLength(3);

    await s3.server.dateUploads('cubes', new Date(Date.now() - week - 60_000));
    await s3.publisher.publish('sweeping', { file: content.digest });
    expect((await s3.unfinished()).map(({ Key }) => Key)).toEqual([others, `${PREFIX}/not-ours`]);
    await sweepUploads(s3.bucket, '', new Date(), () => true);
  });

  it('says that the server has no space left, and goes on when it has', async () => {
    const folder = await mkdtemp(join(tmpdir(), 's3-full-'));
    await run('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', folder]);
    const small = await S3Server.start({ folder });
    try {
      await small.makeBucket('small', { publicRead: true });
      const filler = new PutObjectCommand({ Bucket: 'small', Key: 'filler', Body: Buffer.alloc(6 * MIB) });
      await small.client.send(filler);
      const bucket = connectBucket({ bucket: 'small', endpoint: small.endpoint });
      const publisher = new S3Publisher({ store: s3.store, bucket, baseUrl: `${small.endpoint}/small` });
      const content = await s3.content(8 * MIB);
      const publish = () => publisher.publish('m', { file: content.digest });
      await expect(publish()).rejects.toMatchObject({
        type: 'StoreUnavailable',
        facts: { what: 'The bucket "small" has no space left.', found: 'status 507 (InsufficientStorage)' },
      });
      await small.client.send(new DeleteObjectCommand({ Bucket: 'small', Key: 'filler' }));
      expect(await servedHash((await publish())['file']?.url)).toBe(content.digest);
      bucket.client.destroy();
    } finally {
      await small.kill();
      small.client.destroy();
      await run('umount', [folder]);
      await rm(folder, { recursive: true });
    }
  });

  it('says which person has to set what right, without secrets', async () => {
    const content = await s3.content(10);
    const failure = async (bucket: string): Promise<unknown> => {
      const failed = s3.publisherInto(s3.connect(bucket)).publish('m', { file: content.digest });
      return failed.then(
        () => null,
        (error: unknown) => error,
      );
    };
    expect(await failure('nowhere')).toMatchObject({
      type: 'NeedsAttention',
      facts: { what: 'The bucket "nowhere" does not exist.' },
    });
    await s3.server.makeBucket('closed');
    expect(await failure('closed')).toMatchObject({
      type: 'NeedsAttention',
      facts: {
        what: 'file was published, but not everybody may read it.',
        next: expect.stringContaining('arn:aws:s3:::closed/*') as string,
      },
    });
    const key = s3.key('m', 'file', content);
    expect(await s3.server.client.send(new HeadObjectCommand({ Bucket: 'closed', Key: key }))).toBeDefined();

    for (const [name, wrong] of [
      ['AWS_SECRET_ACCESS_KEY', 'a-wrong-secret'],
      ['AWS_ACCESS_KEY_ID', 'nobody-known'],
    ] as const) {
      const right = process.env[name];
      process.env[name] = wrong;
      const found = await failure('cubes');
      process.env[name] = right;
      expect(found).toMatchObject({
        type: 'NeedsAttention',
        facts: { next: expect.stringContaining('valid credentials') as string },
      });
      expect(String(found)).not.toContain(wrong);
      expect(String(found)).not.toContain(S3_USER.secretAccessKey);
    }
  });
});
