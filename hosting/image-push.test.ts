import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { parseImageReference } from '../contract';
import type { Digest, ImageReference } from '../contract';
import { FakeImageRegistry } from '../test/fake-image-registry';
import { archiveOf } from '../test/saved-image';
import type { Member } from '../test/saved-image';
import type { ImageArchive } from './docker-archive';
import { pushImage } from './image-push';
import type { PushOptions } from './image-push';
import type { UnfinishedUploads } from './publisher';
import { ImageRegistries } from './oci-registry';

const PIECE = 1000;
let registry: FakeImageRegistry;
let registries: ImageRegistries;
let target: ImageReference;
beforeEach(async () => {
  registry = await FakeImageRegistry.start();
  registries = new ImageRegistries();
  target = parseImageReference(`${registry.host}/a/b:1`)!;
});
afterEach(async () => {
  await registries.close();
  await registry.stop();
});

function bytesOf(seed: string, length: number): Buffer {
  return Buffer.alloc(length, createHash('sha512').update(seed).digest());
}

function hex(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function image(layers: readonly Buffer[], diffIds = layers.map((layer) => `sha256:${hex(layer)}`)) {
  const config = Buffer.from(
    JSON.stringify({ architecture: 'amd64', os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: diffIds } }),
  );
  const members: Member[] = [
    { path: `${hex(config)}.json`, content: config },
    ...layers.map((content, at) => ({ path: `${at}/layer.tar`, content })),
    manifestMember([
      { Config: `${hex(config)}.json`, RepoTags: null, Layers: layers.map((_, at) => `${at}/layer.tar`) },
    ]),
  ];
  const id: Digest = `sha256:${hex(config)}`;
  return { config, id, members };
}

function manifestMember(value: unknown): Member {
  return { path: 'manifest.json', content: Buffer.from(JSON.stringify(value)) };
}

function push(archive: ImageArchive, options: PushOptions = {}) {
  return pushImage(registries, archive, target, { pieceBytes: PIECE, pause: () => Promise.resolve(), ...options });
}

function sentMethods(): string[] {
  return registry.seen.map(({ method }) => method).filter((method) => method !== 'HEAD' && method !== 'GET');
}

describe('pushImage', () => {
  it('sends each blob once, in pieces, and the manifest last', async () => {
    const layers = [bytesOf('a', 2500), bytesOf('b', 1)];
    const { config, id, members } = image(layers);
    const archive = archiveOf(members);
    const pushed = await push(archive);
    expect(pushed).toMatchObject({ configDigest: id, sentBytes: 2501 + config.length });
    for (const blob of [...layers, config]) expect(registry.blobs.get(`sha256:${hex(blob)}`)).toEqual(blob);
    const upload = (pieces: number): string[] => ['POST', ...Array<string>(pieces).fill('PATCH'), 'PUT'];
    expect(sentMethods()).toEqual([...upload(3), ...upload(1), ...upload(1), 'PUT']);
    expect(registry.openUploads).toBe(0);

    registry.seen.length = 0;
    expect(await push(archive)).toEqual({ ...pushed, sentBytes: 0 });
    expect(sentMethods()).toEqual([]);
  });

  it('sends of another image only the layers that the registry lacks', async () => {
    const shared = bytesOf('shared', 5000);
    await push(archiveOf(image([shared]).members));
    const other = image([shared, bytesOf('own', 100)]);
    target = { ...target, tag: '2' };
    expect((await push(archiveOf(other.members))).sentBytes).toBe(100 + other.config.length);
  });

  it('takes a layer that is there twice, once by a link, and one that is packed', async () => {
    const twice = bytesOf('twice', 1500);
    const plain = bytesOf('packed', 3000);
    const { id, members } = image(
      [twice, twice, gzipSync(plain)],
      [twice, twice, plain].map((l) => `sha256:${hex(l)}`),
    );
    const linked = members.map((member) =>
      member.path === '1/layer.tar' ? { path: member.path, linkTo: '../0/layer.tar' } : member,
    );
    const { configDigest } = await push(archiveOf(linked));
    expect(configDigest).toBe(id);
    const { layers } = JSON.parse(registry.manifests.get('1')!.bytes.toString()) as {
      layers: { digest: string; mediaType: string }[];
    };
    expect(layers.map(({ digest }) => digest)).toEqual([twice, twice, gzipSync(plain)].map((l) => `sha256:${hex(l)}`));
    expect(layers.map(({ mediaType }) => mediaType.endsWith('+gzip'))).toEqual([false, false, true]);
  });

  it('finds the wanted one of several images', async () => {
    const [first, second] = [image([bytesOf('1', 10)]), image([bytesOf('2', 10), bytesOf('3', 10)])];
    const prefixed = second.members.slice(1, -1).map((member) => ({ ...member, path: `x/${member.path}` }));
    const manifests = [first, second].map(({ config, members }, at) => ({
      Config: `${hex(config)}.json`,
      Layers: members.slice(1, -1).map(({ path }) => (at === 0 ? path : `x/${path}`)),
    }));
    const archive = archiveOf([
      ...first.members.slice(0, -1),
      second.members[0]!,
      ...prefixed,
      manifestMember(manifests),
    ]);
    expect((await push(archive, { imageId: second.id })).configDigest).toBe(second.id);
    await expect(push(archive, { imageId: `sha256:${'0'.repeat(64)}` })).rejects.toMatchObject({ problem: 'unusable' });
  });

  it('goes on where a piece broke off, sending nothing twice', async () => {
    const layer = bytesOf('long', 10_000);
    const { members } = image([layer]);
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.integer({ min: 0, max: 9 }), { maxLength: 4 }), async (breaks) => {
        registry.blobs.clear();
        registry.manifests.clear();
        let pieces = 0;
        registry.interfere = (request) => {
          if (request.method !== 'PATCH') return false;
          if (breaks.includes(pieces)) request.once('data', () => setImmediate(() => request.destroy()));
          pieces += 1;
          return false;
        };
        await push(archiveOf(members));
        expect(registry.blobs.get(`sha256:${hex(layer)}`)).toEqual(layer);
      }),
      { numRuns: 20 },
    );
  });

  it('goes on in a later attempt, and deletes what it leaves when told to end for good', async () => {
    const layer = bytesOf('long', 5500);
    const { members, config } = image([layer]);
    for (const keep of [true, false]) {
      const stop = new AbortController();
      let unfinished: UnfinishedUploads = {};
      const stopped = push(archiveOf(members), {
        signal: stop.signal,
        keepUnfinished: () => keep,
        onUnfinished: (uploads) => (unfinished = uploads),
        onProgress: ({ sentBytes }) => (sentBytes === 3000 ? stop.abort(new Error('stop')) : undefined),
      });
      await expect(stopped).rejects.toThrow('stop');
      expect(registry.openUploads).toBe(keep ? 1 : 0);
      if (!keep) continue;
      const { sentBytes } = await push(archiveOf(members), { unfinished });
      expect(sentBytes).toBe(2500 + config.length);
      registry.blobs.clear();
      registry.manifests.clear();
    }
  });

  it.each([
    ['an address that it does not know any more', '/v2/a/b/blobs/uploads/gone'],
    ['an upload of other bytes', null],
  ])('begins anew with %s', async (_, given) => {
    const layer = bytesOf('layer', 2500);
    const { members } = image([layer]);
    let location = given;
    if (location === null) {
      const begun = await fetch(`http://${registry.host}/v2/a/b/blobs/uploads/`, { method: 'POST' });
      location = begun.headers.get('location')!;
      const url = `http://${registry.host}${location}`;
      await fetch(url, { method: 'PATCH', headers: { 'content-range': '0-99' }, body: bytesOf('other', 100) });
    }
    await push(archiveOf(members), { unfinished: { [`sha256:${hex(layer)}`]: location } });
    expect(registry.blobs.get(`sha256:${hex(layer)}`)).toEqual(layer);
    expect(registry.openUploads).toBe(0);
  });

  it.each([
    [404, { type: 'InvalidRequest' }],
    [403, { problem: 'unauthorised' }],
    [429, { problem: 'rate-limited' }],
    [503, { problem: 'unreachable' }],
  ])('says so when an upload is answered with %s', async (status, expected) => {
    registry.interfere = (request, response) => {
      if (request.method !== 'POST') return false;
      response.writeHead(status).end();
      return true;
    };
    await expect(push(archiveOf(image([bytesOf('a', 10)]).members))).rejects.toMatchObject(expected);
    expect(registry.manifests.size).toBe(0);
  });

  it('refuses an upload address that leads to a file or away from encryption', async () => {
    registry.interfere = (request, response) => {
      if (request.method !== 'POST') return false;
      response.writeHead(202, { location: 'file:///etc/passwd' }).end();
      return true;
    };
    await expect(push(archiveOf(image([bytesOf('a', 10)]).members))).rejects.toMatchObject({ problem: 'unusable' });
  });

  it('refuses what is no archive, or one whose layers are not those of its configuration', async () => {
    const { members } = image([bytesOf('a', 100)]);
    const unusable = { problem: 'unusable', type: 'InvalidRequest' };
    const notTar = { open: () => Promise.resolve(Readable.from([Buffer.alloc(5000, 'x')])) };
    await expect(push(notTar)).rejects.toMatchObject(unusable);
    await expect(push(archiveOf([]))).rejects.toMatchObject(unusable);
    await expect(push(archiveOf(members.slice(0, 1)))).rejects.toMatchObject(unusable);
    await expect(push(archiveOf(members.filter(({ path }) => path !== '0/layer.tar')))).rejects.toMatchObject(unusable);
    const swapped = image([bytesOf('a', 100)], [`sha256:${'0'.repeat(64)}`]).members;
    await expect(push(archiveOf(swapped))).rejects.toMatchObject(unusable);
    expect(registry.seen).toEqual([]);
  });
});
