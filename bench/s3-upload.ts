import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { FileStore } from '../store/file-store';
import { S3_ENVIRONMENT, S3Server } from '../test/s3-server';
import { findOrGetAws } from './aws-command';
import { compare, median, shell } from './figures';
import type { Figure } from './figures';
import { writeWeights } from './sample-trees';
import type { UploadReport } from './s3-upload-process';

const PAIRS = 5;
const MEBIBYTES = 1024;
const BUCKET = 'bench';
const KEY = 'weights.bin';

/** Uploading against `aws s3 cp`, each as a process of its own from its start to its end. */
export async function benchS3Upload(): Promise<Figure[]> {
  const aws = await findOrGetAws((line) => void process.stderr.write(`${line}\n`));
  const folder = await mkdtemp(join(tmpdir(), 'bench-s3-'));
  const server = await S3Server.start();
  Object.assign(process.env, S3_ENVIRONMENT);
  try {
    await server.makeBucket(BUCKET);
    const source = join(folder, KEY);
    await writeWeights(source, MEBIBYTES);
    const directory = join(folder, 'store');
    const { digest } = await new FileStore(directory).putFile(source);
    const peaks: number[] = [];
    const before = async (): Promise<void> => {
      await server.client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: KEY }));
      await shell('sync');
    };
    const figure = await compare(
      'upload of 1 GiB to S3',
      PAIRS,
      1,
      {
        name: 'putIfAbsent',
        run: async () => void peaks.push(await upload(directory, digest, server.endpoint)),
        before,
      },
      {
        name: 'aws s3 cp',
        run: () => shell(`${aws} s3 cp --endpoint-url ${server.endpoint} ${source} s3://${BUCKET}/${KEY}`),
        before,
      },
    );
    const peak = Math.round(median(peaks) / 1e6);
    return [{ ...figure, name: `${figure.name} (peak memory above idle: ${peak} MB)` }];
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** @returns peak memory above the idle process, in bytes. */
async function upload(directory: string, digest: string, endpoint: string): Promise<number> {
  const child = fork(join(__dirname, 's3-upload-process.js'), [directory, digest, endpoint, BUCKET, KEY]);
  let report: UploadReport | null = null;
  child.on('message', (message: UploadReport) => (report = message));
  const [code] = (await once(child, 'close')) as [number | null];
  const told = report as UploadReport | null;
  if (code !== 0 || told === null) throw new Error(`the upload ended with ${code ?? 'a signal'}`);
  return told.peakBytes;
}
