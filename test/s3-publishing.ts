import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { CreateMultipartUploadCommand, ListMultipartUploadsCommand, ListPartsCommand } from '@aws-sdk/client-s3';
import type { MultipartUpload } from '@aws-sdk/client-s3';
import type { BlobRef } from '../contract';
import { S3Publisher } from '../hosting/s3-publisher';
import type { PublishedFile, UnfinishedUploads } from '../hosting/publisher';
import { FileStore } from '../store/file-store';
import { connectBucket } from '../store/s3/connection';
import type { Bucket } from '../store/s3/connection';
import { partsOf } from '../store/s3/parts';
import { FaultProxy } from './fault-proxy';
import { S3_ENVIRONMENT, S3Server } from './s3-server';

export const MIB = 1024 * 1024;
const BUCKET = 'cubes';
export const PREFIX = 'hosted/here';

/** What a publisher process told, and how it ended. */
export interface PublisherProcess {
  readonly child: ChildProcess;
  /** The last state that it told, as an activity's heartbeat would keep it. */
  readonly told: () => UnfinishedUploads;
  readonly ended: Promise<number | null>;
}

/** A store with contents, a real S3 server with a public bucket, and a proxy that counts what is asked of it. */
export class S3Publishing {
  static async start(): Promise<S3Publishing> {
    Object.assign(process.env, S3_ENVIRONMENT);
    const server = await S3Server.start();
    await server.makeBucket(BUCKET, { publicRead: true });
    const proxy = await FaultProxy.before(server.endpoint);
    return new S3Publishing(server, proxy, await mkdtemp(join(tmpdir(), 's3-publishing-')));
  }

  readonly store: FileStore;
  readonly bucket: Bucket;
  readonly publisher: S3Publisher;
  private readonly buckets: Bucket[] = [];

  private constructor(
    readonly server: S3Server,
    readonly proxy: FaultProxy,
    private readonly folder: string,
  ) {
    this.store = new FileStore(join(folder, 'store'));
    this.bucket = this.connect(BUCKET);
    this.publisher = this.publisherInto(this.bucket);
  }

  async stop(): Promise<void> {
    for (const { client } of this.buckets) client.destroy();
    await this.proxy.close();
    await this.server.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  connect(bucket: string): Bucket {
    const connected = connectBucket({ bucket, endpoint: this.proxy.url, prefix: PREFIX });
    this.buckets.push(connected);
    return connected;
  }

  publisherInto(bucket: Bucket): S3Publisher {
    const baseUrl = `${this.server.endpoint}/${bucket.place.bucket}`;
    return new S3Publisher({ store: this.store, bucket, baseUrl });
  }

  /** One whose store reads something else than what is asked for. */
  publisherReading(openRead: FileStore['openRead']): S3Publisher {
    const { store, bucket, server } = this;
    const baseUrl = `${server.endpoint}/${bucket.place.bucket}`;
    return new S3Publisher({ store: { sizeOf: (digest) => store.sizeOf(digest), openRead }, bucket, baseUrl });
  }

  async beginUpload(key: string): Promise<UnfinishedUploads> {
    const { UploadId } = await this.server.client.send(new CreateMultipartUploadCommand({ Bucket: BUCKET, Key: key }));
    return { [key]: UploadId ?? '' };
  }

  /** A new content of that many bytes. */
  content(bytes: number): Promise<BlobRef> {
    return this.store.putBytes(randomBytes(bytes));
  }

  key(folder: string, name: string, { digest }: BlobRef): string {
    return `${PREFIX}/${folder}/${digest.slice(7, 19)}/${name}`;
  }

  /** Another process that publishes the same: one to kill, and one whose errors of sockets are Node's own. */
  publishElsewhere(folder: string, name: string, { digest }: BlobRef, unfinished: UnfinishedUploads): PublisherProcess {
    const lib = (...path: string[]): string => JSON.stringify(join(__dirname, '..', 'lib', ...path));
    const script = `
      const { S3Publisher } = require(${lib('hosting', 's3-publisher.js')});
      const { FileStore } = require(${lib('store', 'file-store.js')});
      const { connectBucket } = require(${lib('store', 's3', 'connection.js')});
      const store = new FileStore(${JSON.stringify(join(this.folder, 'store'))});
      const bucket = connectBucket(${JSON.stringify(this.bucket.place)});
      const baseUrl = ${JSON.stringify(`${this.server.endpoint}/${BUCKET}`)};
      new S3Publisher({ store, bucket, baseUrl })
        .publish(${JSON.stringify(folder)}, ${JSON.stringify({ [name]: digest })}, {
          unfinished: ${JSON.stringify(unfinished)},
          onUnfinished: (uploads) => console.log(JSON.stringify(uploads)),
        })
        .then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });`;
    const stdio: ['ignore', 'pipe', 'inherit'] = ['ignore', 'pipe', 'inherit'];
    const child = spawn(process.execPath, ['-e', script], { stdio, env: { ...process.env } });
    let told: UnfinishedUploads = unfinished;
    createInterface({ input: child.stdout }).on('line', (line) => (told = JSON.parse(line) as UnfinishedUploads));
    const ended = once(child, 'close').then(([code]) => code as number | null);
    return { child, told: () => told, ended };
  }

  /** Numbers of the parts that were sent and stored since `from` in the proxy's answers. */
  partsSent(from = 0): number[] {
    return this.proxy.answered.slice(from).flatMap((line) => partNumber(line) ?? []);
  }

  /** Resolves when that many parts were stored from now on. */
  whenStored(count: number): Promise<void> {
    return new Promise((resolve) => {
      let stored = 0;
      this.proxy.onAnswered = (line) => {
        if (partNumber(line) !== null && (stored += 1) === count) resolve();
      };
    });
  }

  async unfinished(): Promise<MultipartUpload[]> {
    const { Uploads } = await this.server.client.send(new ListMultipartUploadsCommand({ Bucket: BUCKET }));
    return Uploads ?? [];
  }

  /**
   * Numbers of the parts that the server holds whole of its only unfinished upload of the key. It also keeps what came of
   * a part whose connection broke, in its full size.
   */
  async held(key: string, { digest, size }: BlobRef): Promise<number[]> {
    const [upload, ...others] = (await this.unfinished()).filter(({ Key }) => Key === key);
    if (others.length > 0) throw new Error('several uploads of one key');
    if (upload === undefined) return [];
    const list = new ListPartsCommand({ Bucket: BUCKET, Key: key, UploadId: upload.UploadId });
    const { Parts = [] } = await this.server.client.send(list);
    const bytes = await this.store.readBytes(digest, size);
    const whole = partsOf(size).filter(({ number, start, end }) => {
      const md5 = createHash('md5').update(bytes.subarray(start, end)).digest('hex');
      return Parts.some(({ PartNumber, ETag }) => PartNumber === number && ETag === `"${md5}"`);
    });
    return whole.map(({ number }) => number);
  }
}

function partNumber(answer: string): number | null {
  const [, number] = /^PUT .*[?&]partNumber=(\d+).* 200$/.exec(answer) ?? [];
  return number === undefined ? null : Number(number);
}

export async function servedHash(url: string | undefined): Promise<string> {
  const bytes = Buffer.from(await (await fetch(url ?? '')).arrayBuffer());
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

export function urlsOf(published: Readonly<Record<string, PublishedFile>>): Record<string, string> {
  return Object.fromEntries(Object.entries(published).map(([name, { url }]) => [name, url]));
}
