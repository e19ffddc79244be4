import { FileStore } from '../store/file-store';
import { connectBucket } from '../store/s3/connection';
import { putIfAbsent } from '../store/s3/multipart';
import { holds } from '../store/s3/objects';
import type { Digest } from '../contract';

/** Told to whoever started this process: how much memory the upload took beyond the idle process, in bytes. */
export interface UploadReport {
  readonly peakBytes: number;
}

/** `node s3-upload-process.js STORE DIGEST ENDPOINT BUCKET KEY`: uploads a blob as publishing does, and ends. */
async function main([directory = '', digest = '', endpoint = '', bucketName = '', key = '']: string[]): Promise<void> {
  const store = new FileStore(directory);
  const blob = digest as Digest;
  const size = await store.sizeOf(blob);
  if (size === null) throw new Error('no such blob');
  const bucket = connectBucket({ bucket: bucketName, endpoint });
  const content = {
    digest: blob,
    size,
    contentType: 'application/octet-stream',
    open: (range: { start: number; end: number }) => store.openRead(blob, range),
  };
  const idleBytes = process.memoryUsage.rss();
  if ((await holds(bucket, key, content)) !== 'nothing') throw new Error('it is there already');
  if (!(await putIfAbsent(bucket, key, content))) throw new Error('it was not put');
  const report: UploadReport = { peakBytes: process.resourceUsage().maxRSS * 1024 - idleBytes };
  bucket.client.destroy();
  process.send?.(report);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
