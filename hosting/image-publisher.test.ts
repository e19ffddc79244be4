import { createHash } from 'node:crypto';
import type { Digest } from '../contract';
import { FakeImageRegistry } from '../test/fake-image-registry';
import { archiveOf } from '../test/saved-image';
import { RegistryImagePublisher } from './image-publisher';
import { ImageRegistries } from './oci-registry';

const LAYER = Buffer.from('a layer');
const CONFIG = Buffer.from(
  JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { diff_ids: [`sha256:${hex(LAYER)}`] } }),
);
const IMAGE_ID: Digest = `sha256:${hex(CONFIG)}`;

function hex(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function archive() {
  const manifest = [{ Config: 'config.json', RepoTags: null, Layers: ['layer.tar'] }];
  return archiveOf([
    { path: 'config.json', content: CONFIG },
    { path: 'layer.tar', content: LAYER },
    { path: 'manifest.json', content: Buffer.from(JSON.stringify(manifest)) },
  ]);
}

describe('RegistryImagePublisher', () => {
  let registry: FakeImageRegistry;
  let registries: ImageRegistries;
  beforeEach(async () => {
    registry = await FakeImageRegistry.start();
    registries = new ImageRegistries();
  });
  afterEach(async () => {
    await registries.close();
    await registry.stop();
  });

  it.each([
    '',
    'medperf',
    'medperf/x',
    'images.example.org/Upper',
    'images.example.org/a:1',
    'https://images.example.org/a',
  ])('refuses the place %j', (place) => {
    const make = (): unknown => new RegistryImagePublisher({ registries, place, archive });
    expect(make).toThrow('Images cannot be published there');
  });

  it.each([
    ['My_Model', 'my-model'],
    ['../x', 'x'],
    ['🧠', 'cube'],
  ])('gives the cube %s the repository %s, and its image a tag', async (name, repository) => {
    const publisher = new RegistryImagePublisher({ registries, place: `${registry.host}/medperf/`, archive });
    const { pinned, manifestDigest } = await publisher.publish(name, IMAGE_ID, {});
    expect(pinned).toBe(`${registry.host}/medperf/${repository}@${manifestDigest}`);
    expect([...registry.manifests.keys()]).toContain(IMAGE_ID.slice(7, 19));
    expect(registry.seen.every(({ path }) => path.startsWith(`/v2/medperf/${repository}/`))).toBe(true);
  });
});
