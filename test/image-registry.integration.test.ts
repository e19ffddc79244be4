import { Readable } from 'node:stream';
import Docker from 'dockerode';
import { parseImageReference } from '../contract';
import type { Digest, ImageReference } from '../contract';
import type { ImageArchive } from '../hosting/docker-archive';
import { pushImage } from '../hosting/image-push';
import type { UnfinishedUploads } from '../hosting/publisher';
import { transferBytesOf } from '../hosting/image-size';
import { ImageRegistries } from '../hosting/oci-registry';
import { ImageRegistry, REGISTRY_USER } from './image-registry';
import { ensureNodeImage } from './node-image';

const PIECE = 16 * 1024 * 1024;
const docker = new Docker();
const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
let registry: ImageRegistry;
let registries: ImageRegistries;
let image: { reference: string; id: Digest };
let archive: ImageArchive;

beforeAll(async () => {
  image = await ensureNodeImage(docker);
  archive = { open: async () => Readable.from(await docker.getImage(image.id).get(), { objectMode: false }) };
  registry = await ImageRegistry.start();
  registries = new ImageRegistries();
});
afterAll(async () => {
  await registries.close();
  await registry.stop();
});

function target(name: string, host = registry.host): ImageReference {
  return parseImageReference(`${host}/tests/${name}:1`)!;
}

async function pulledId(pinned: string): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    docker.createImage({}, { fromImage: pinned.split('@')[0], tag: pinned.split('@')[1] }, (error, answer) => {
      if (error !== null || answer === undefined) reject(new Error(String(error)));
      else docker.modem.followProgress(answer, (failed) => (failed === null ? resolve() : reject(failed)));
    });
  });
  try {
    return (await docker.getImage(pinned).inspect()).Id;
  } finally {
    await docker.getImage(pinned).remove();
  }
}

describe('an image in a registry', () => {
  it('is pushed, read back, and the same one when it is pulled by its digest', async () => {
    const pushed = await pushImage(registries, archive, target('node'), { imageId: image.id });
    expect(pushed.configDigest).toBe(image.id);
    expect(pushed.pinned).toBe(`${registry.host}/tests/node@${pushed.manifestDigest}`);

    const described = await registries.describe(parseImageReference(pushed.pinned)!, architecture);
    expect(described).toMatchObject({
      configDigest: image.id,
      manifestDigest: pushed.manifestDigest,
      os: 'linux',
      architecture,
      user: '',
    });
    // The rest of what was sent is the configuration.
    expect(pushed.sentBytes - described.transferBytes).toBeLessThan(10_000);
    const { signal } = new AbortController();
    expect(await transferBytesOf(registries, pushed.pinned, architecture, signal)).toBe(described.transferBytes);
    expect(await transferBytesOf(registries, `${pushed.pinned.split('@')[0]}:absent`, architecture, signal)).toBeNull();
    expect(await pulledId(pushed.pinned)).toBe(image.id);

    const again = await pushImage(registries, archive, target('node'), { imageId: image.id });
    expect(again).toEqual({ ...pushed, sentBytes: 0 });
  });

  it('goes on, in another process, with what was sent before it was interrupted', async () => {
    const stop = new AbortController();
    let unfinished: UnfinishedUploads = {};
    let before = 0;
    const interrupted = pushImage(registries, archive, target('resumed'), {
      imageId: image.id,
      pieceBytes: PIECE,
      signal: stop.signal,
      keepUnfinished: () => true,
      onUnfinished: (uploads) => (unfinished = uploads),
      onProgress: ({ sentBytes }) => {
        before = sentBytes;
        if (sentBytes >= 2 * PIECE) stop.abort(new Error('killed'));
      },
    });
    await expect(interrupted).rejects.toThrow('killed');
    expect(before).toBe(2 * PIECE);

    const others = new ImageRegistries();
    try {
      const pushed = await pushImage(others, archive, target('resumed'), { imageId: image.id, unfinished });
      const { transferBytes } = await others.describe(parseImageReference(pushed.pinned)!, architecture);
      expect(pushed.sentBytes + before - transferBytes).toBeLessThan(10_000);
      expect(pushed.configDigest).toBe(image.id);
    } finally {
      await others.close();
    }
  });

  it('leaves no upload behind when it is cancelled', async () => {
    const stop = new AbortController();
    let location = '';
    const cancelled = pushImage(registries, archive, target('cancelled'), {
      imageId: image.id,
      pieceBytes: PIECE,
      signal: stop.signal,
      onUnfinished: (uploads) => (location = Object.values(uploads)[0] ?? ''),
      onProgress: () => stop.abort(new Error('cancelled')),
    });
    await expect(cancelled).rejects.toThrow('cancelled');
    expect(location).not.toBe('');
    expect((await fetch(location)).status).toBe(404);
    expect(await registries.resolve(target('cancelled'))).toBeNull();
  });

  it('needs the sign-in where the registry asks for one', async () => {
    const closed = await ImageRegistry.start({ signIn: true });
    const signedIn = new ImageRegistries({ credentials: () => Promise.resolve(REGISTRY_USER) });
    const wrong = new ImageRegistries({ credentials: () => Promise.resolve({ ...REGISTRY_USER, password: 'other' }) });
    try {
      const to = target('private', closed.host);
      const refused = { problem: 'unauthorised', type: 'NeedsAttention' };
      await expect(pushImage(registries, archive, to, { imageId: image.id })).rejects.toMatchObject(refused);
      await expect(pushImage(wrong, archive, to, { imageId: image.id })).rejects.toMatchObject(refused);
      const pushed = await pushImage(signedIn, archive, to, { imageId: image.id });
      const described = await signedIn.describe(parseImageReference(pushed.pinned)!, architecture);
      expect(described.configDigest).toBe(image.id);
      await expect(registries.describe(to, architecture)).rejects.toMatchObject(refused);
    } finally {
      await signedIn.close();
      await wrong.close();
      await closed.stop();
    }
  });

  it('says what is not there', async () => {
    await expect(registries.describe(target('absent'), architecture)).rejects.toMatchObject({ problem: 'not-found' });
  });
});
