import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cube, HostedMlcube, HostedRef } from '../contract';
import { FileStore } from '../store/file-store';
import { knownCube, knownImageId, rememberCube, rememberImageId } from './known-cubes';

const hex = (letter: string): string => letter.repeat(64);
const FILES: HostedMlcube = {
  format: 'mlcube',
  urls: { manifestUrl: 'https://files.example/m', parametersUrl: 'https://files.example/p' },
  hashes: { manifestHash: hex('a'), parametersHash: hex('b'), imageHash: hex('c') },
};
const REF: HostedRef = { kind: 'hosted', name: 'model', uid: 4, files: FILES };
const CUBE: Cube = {
  name: 'model',
  uid: 4,
  tree: `sha256:${hex('d')}`,
  image: { reference: 'a/b:1', expectedId: `sha256:${hex('c')}` },
  hashes: { manifestHash: hex('a'), parametersHash: hex('b') },
};

describe('what is known of cubes', () => {
  let home: string;
  let store: FileStore;

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'medperf-known-'));
    store = new FileStore(home);
  });

  afterEach(() => rm(home, { recursive: true, force: true }));

  it('is found by the promised hashes, wherever the files are and whatever the cube is called', async () => {
    expect(await knownCube(store, REF)).toBeNull();
    await rememberCube(store, REF, CUBE);
    expect(await knownCube(store, REF)).toEqual(CUBE);
    const urls = { manifestUrl: 'https://other.example/m', parametersUrl: 'https://other.example/p' };
    const other = { ...REF, name: 'other', uid: 5, files: { ...FILES, urls } };
    expect(await knownCube(store, other)).toEqual({ ...CUBE, name: 'other', uid: 5 });
  });

  it.each<[string, Partial<HostedMlcube>]>([
    ['another hash', { hashes: { ...FILES.hashes, parametersHash: hex('e') } }],
    ['a hash that is not promised', { hashes: { manifestHash: hex('a') } }],
    ['no hash at all', { hashes: {} }],
    ['a hash that is none', { hashes: { ...FILES.hashes, parametersHash: 'b' } }],
    ['a file more', { urls: { ...FILES.urls, additionalFilesUrl: 'https://files.example/a' } }],
    ['a file less', { urls: { manifestUrl: 'https://files.example/m' } }],
  ])('is not taken for %s', async (_, change) => {
    await rememberCube(store, REF, CUBE);
    expect(await knownCube(store, { ...REF, files: { ...FILES, ...change } })).toBeNull();
  });

  it('is not kept under a URL alone', async () => {
    const unpromised = { ...REF, files: { ...FILES, hashes: {} } };
    await rememberCube(store, unpromised, CUBE);
    expect(await knownCube(store, unpromised)).toBeNull();
  });

  it('takes the image of the record that asks, not of the one that was fetched', async () => {
    await rememberCube(store, REF, CUBE);
    const other = { ...REF, files: { ...FILES, hashes: { ...FILES.hashes, imageHash: hex('f') } } };
    expect((await knownCube(store, other))?.image.expectedId).toBe(`sha256:${hex('f')}`);
  });

  it("knows an image's id from a promise, a pinned reference or its archive, and never from a tag", async () => {
    const id = `sha256:${hex('1')}` as const;
    const image = { reference: 'a/b:1', expectedId: null };
    const pinned = { reference: `a/b@sha256:${hex('2')}`, expectedId: null };
    const archived = { ...pinned, archive: { digest: id, size: 1 } };
    for (const seen of [image, pinned, archived]) await rememberImageId(store, seen, id);
    expect(await knownImageId(store, image)).toBeNull();
    expect(await knownImageId(store, archived)).toBe(id);
    expect(await knownImageId(store, pinned)).toBe(id);
    expect(await knownImageId(store, CUBE.image)).toBe(`sha256:${hex('c')}`);
  });
});
