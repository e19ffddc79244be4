import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BlobRef, Digest, Heartbeat } from '../contract';
import type { ImagePublisher } from '../hosting/image-publisher';
import { FileStore } from '../store/file-store';
import { publishImage } from './publish-image';

const IMAGE_ID: Digest = `sha256:${'1'.repeat(64)}`;
const PINNED = `images.example.org/medperf/m@sha256:${'2'.repeat(64)}`;

let folder: string;
let store: FileStore;
let manifest: BlobRef;
let told: Heartbeat[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'publish-image-'));
  store = new FileStore(join(folder, 'store'));
  manifest = await store.putBytes('docker:\n  image: a/b:1 # mine\n');
  told = [];
});
afterEach(() => rm(folder, { recursive: true }));

function publish(publisher: ImagePublisher | null, before?: Heartbeat) {
  const place = {
    engine: { obtainImage: () => Promise.resolve(IMAGE_ID) },
    store,
    publisher,
    signal: new AbortController().signal,
    tell: (details: Heartbeat) => void told.push(details),
    before,
  };
  return publishImage(place, { name: 'm', format: 'mlcube', image: 'a/b:1', manifest });
}

describe('publishImage', () => {
  it('goes on with what an earlier attempt told, tells it again at once, and pins the image', async () => {
    const seen: unknown[] = [];
    const publisher: ImagePublisher = {
      publish: (name, imageId, { unfinished, onUnfinished, onProgress }) => {
        seen.push([name, imageId, unfinished]);
        onProgress?.({ sentBytes: 5, totalBytes: 10 });
        onProgress?.({ sentBytes: 5, totalBytes: 0 });
        onUnfinished?.({});
        return Promise.resolve({ pinned: PINNED, manifestDigest: IMAGE_ID, configDigest: IMAGE_ID, sentBytes: 5 });
      },
    };
    const uploads = { 'sha256:x': 'https://images.example.org/upload' };
    const published = await publish(publisher, { uploads });
    expect(seen).toEqual([['m', IMAGE_ID, uploads]]);
    expect(told).toEqual([
      { uploads },
      { message: 'pushing a/b:1', share: 0.5 },
      { message: 'pushing a/b:1' },
      { uploads: {} },
    ]);
    expect(published).toMatchObject({ pinned: PINNED, imageId: IMAGE_ID });
    const text = (await store.readBytes(published.manifest.digest)).toString();
    expect(text).toBe(`docker:\n  image: ${PINNED} # mine\n`);
  });

  it('says what the operator has to give', async () => {
    await expect(publish(null)).rejects.toMatchObject({ type: 'InvalidRequest' });
    await expect(publish(null)).rejects.toThrow('--host-image-registry');
  });
});
