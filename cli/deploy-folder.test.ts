import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PackagedCube } from '../contract';
import { FileStore } from '../store/file-store';
import { writeDeployFolder } from './deploy-folder';

let folder: string;
let store: FileStore;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'deploy-'));
  store = new FileStore(join(folder, 'store'));
});
afterEach(() => rm(folder, { recursive: true }));

async function packaged(manifest: string, parameters: string | null): Promise<PackagedCube> {
  return {
    ...{ label: 'cube', type: 'model', format: 'mlcube', image: 'i', findings: [], additionalFiles: null },
    manifest: await store.putBytes(manifest),
    parameters: parameters === null ? null : await store.putBytes(parameters),
  };
}

it('replaces an older folder of ours as a whole', async () => {
  const target = join(folder, 'deploy');
  await writeDeployFolder(store, await packaged('old', 'p: 1'), target);
  expect((await readdir(target)).sort()).toEqual(['mlcube.yaml', 'parameters.yaml']);
  await writeDeployFolder(store, await packaged('new', null), target);
  expect(await readdir(target)).toEqual(['mlcube.yaml']);
  expect(await readFile(join(target, 'mlcube.yaml'), 'utf8')).toBe('new');
  expect((await readdir(folder)).sort()).toEqual(['deploy', 'store']);
});

it('leaves a folder with something else in it alone', async () => {
  const target = join(folder, 'deploy');
  await mkdir(target);
  await writeFile(join(target, 'thesis.tex'), 'x');
  await expect(writeDeployFolder(store, await packaged('m', null), target)).rejects.toMatchObject({
    type: 'InvalidRequest',
    facts: { found: 'thesis.tex' },
  });
  expect(await readdir(target)).toEqual(['thesis.tex']);
});
