import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostedFileNames } from '../contract';
import type { Cube, CubeRef, HostedRef, Identified, IdentifyInput } from '../contract';
import type { CubeRecord, Registry } from '../registry/registry';
import { FileStore } from '../store/file-store';
import { recordRan } from './action-history';
import { identify } from './identify';
import { rememberCube } from './known-cubes';
import { rememberDemoData } from './known-data';

const hex = (letter: string): string => letter.repeat(64);
const tree = `sha256:${hex('d')}` as const;
/** Nothing answers there: whoever fetches fails. */
const urls = { manifestUrl: 'http://127.0.0.1:1/m' };
const hashes = { manifestHash: hex('a'), imageHash: hex('c') };
const FILES = { format: 'mlcube', urls, hashes } as const;
const RECORD = { uid: 4, name: 'model', content: FILES, isValid: true } as CubeRecord;
const REF: HostedRef = { kind: 'hosted', uid: 4, name: 'model', files: FILES };
const IMAGE = { reference: 'a/b:1', expectedId: `sha256:${hex('c')}` } as const;
const CUBE: Cube = { name: 'model', uid: 4, tree, image: IMAGE, hashes: { manifestHash: hex('a') } };

describe('identify', () => {
  let home: string;
  let store: FileStore;

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'medperf-identify-'));
    store = new FileStore(home);
  });

  afterEach(() => rm(home, { recursive: true, force: true }));

  function ask(change: Partial<IdentifyInput> = {}, record: Partial<CubeRecord> = {}): Promise<Identified> {
    const registry = { server: 's', cube: () => Promise.resolve({ ...RECORD, ...record }) } as unknown as Registry;
    const cubes = { model: { ref: { kind: 'cube', uid: 4 }, tasks: ['infer'] } } as const;
    const input: IdentifyInput = { profile: 'p', format: null, cubes, demoData: null, offline: false };
    return identify(
      {
        store,
        openRegistry: () => Promise.resolve(registry),
        scopeOf: (profile) => Promise.resolve(`user of ${profile}`),
        signal: new AbortController().signal,
      },
      { ...input, ...change },
    );
  }

  it('knows a cube from its record once its files were fetched, and fetches nothing itself', async () => {
    const unknown = { ref: REF, tasks: ['infer'], known: null, imageId: null, ranBefore: false };
    expect((await ask()).cubes).toEqual({ model: unknown });
    await rememberCube(store, REF, CUBE);
    const known = { ref: REF, tasks: ['infer'], known: CUBE, imageId: IMAGE.expectedId, ranBefore: false };
    expect((await ask()).cubes).toEqual({ model: known });
    await recordRan(store, tree, '2026-01-01T00:00:00Z');
    expect((await ask({ offline: true })).cubes).toEqual({ model: { ...known, ranBefore: true } });
  });

  it('takes nothing over when the record has changed under the same uid', async () => {
    await rememberCube(store, REF, CUBE);
    const { cubes } = await ask({}, { content: { ...FILES, hashes: { ...hashes, manifestHash: hex('e') } } });
    expect(cubes['model']?.known).toBeNull();
  });

  it('knows the trees of demo data by the hash of its archive alone', async () => {
    await rememberDemoData(store, hex('f'), { data: tree, labels: tree });
    const demoData = { url: 'http://127.0.0.1:1/d', offline: false };
    expect((await ask({ demoData: { ...demoData, hash: hex('f') } })).demoData).toEqual({ data: tree, labels: tree });
    expect((await ask({ demoData: { ...demoData, hash: hex('0') } })).demoData).toBeNull();
    expect((await ask({ demoData: { ...demoData, hash: '' } })).demoData).toBeNull();
  });

  it("asks a host for the image of a folder's cube that goes by a tag", async () => {
    const cube = await folderOf("docker: { image: 'a/b:1' }\ntasks: {}\nname: x\n");
    const { cubes, scope } = await ask({ cubes: { model: { ref: cube, tasks: [] } } });
    expect(cubes['model']).toMatchObject({ known: { name: 'mine', uid: null }, imageId: null });
    expect(scope).toBe('user of p');
  });

  it('finds what a cube lacks wherever its files are here, and passes by those whose files are not', async () => {
    const metrics = "docker: { image: 'a/b:1' }\ntasks: { evaluate: {} }\n";
    const cube = await folderOf(metrics);
    const lacking = { type: 'InvalidManifest', message: expect.stringMatching(/no task infer/) as string };
    await expect(ask({ cubes: { model: { ref: cube, tasks: ['infer'] } } })).rejects.toMatchObject(lacking);
    await rememberCube(store, REF, { ...CUBE, tree: cube.tree });
    await expect(ask()).rejects.toMatchObject(lacking);
    await rememberCube(store, REF, CUBE);
    await expect(ask()).resolves.toMatchObject({ cubes: { model: { known: CUBE } } });
  });

  async function folderOf(manifest: string): Promise<CubeRef & { readonly kind: 'local' }> {
    const file = { kind: 'file', ...(await store.putBytes(manifest)), executable: false } as const;
    const { digest } = await store.composeTree({ [hostedFileNames.manifest]: file });
    return { kind: 'local', tree: digest, label: 'mine' };
  }
});
