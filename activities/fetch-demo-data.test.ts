import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from 'tar';
import { toMedperfHash } from '../contract';
import type { DataAndLabels } from '../contract';
import { Downloads } from '../store/downloads';
import { FileStore } from '../store/file-store';
import { fetchDemoData } from './fetch-demo-data';
import { knownDemoData } from './known-data';

let folder: string;
let store: FileStore;
let archiveHash: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'medperf-demo-data-'));
  store = new FileStore(join(folder, 'store'));
});

afterEach(() => rm(folder, { recursive: true }));

/** Of an archive that holds `data/images`, `labels` and this `paths.yaml`. */
async function fetch(paths: string): Promise<DataAndLabels> {
  const content = join(folder, 'content');
  await mkdir(join(content, 'data', 'images'), { recursive: true });
  await mkdir(join(content, 'labels'));
  await writeFile(join(content, 'data', 'images', 'one.png'), 'image');
  await writeFile(join(content, 'labels', 'labels.csv'), 'label');
  await writeFile(join(content, 'paths.yaml'), paths);
  await create({ cwd: content, file: join(folder, 'demo.tar') }, ['.']);
  const { digest } = await store.putFile(join(folder, 'demo.tar'));
  const fetching = {
    store,
    downloads: new Downloads(),
    offline: true,
    signal: new AbortController().signal,
    tell: () => undefined,
  };
  archiveHash = toMedperfHash(digest);
  return fetchDemoData(fetching, { url: '', hash: archiveHash, offline: true });
}

it.each(['data/images', 'data/images/', './data/images', 'data//images'])('finds the folder %s', async (path) => {
  const { data, labels } = await fetch(`data_path: ${path}\nlabels_path: labels\n`);
  expect(Object.keys(await store.listDirectory(data))).toEqual(['one.png']);
  expect(Object.keys(await store.listDirectory(labels))).toEqual(['labels.csv']);
});

it('finds the metadata of prepared data, and remembers it', async () => {
  const found = await fetch('data_path: data\nlabels_path: labels\nmetadata_path: data/images\n');
  expect(found.metadata).toBeDefined();
  expect(Object.keys(await store.listDirectory(found.metadata!))).toEqual(['one.png']);
  expect(await knownDemoData(store, { hash: archiveHash })).toEqual(found);
});

it('takes a metadata_path that says nothing for none', async () => {
  expect(await fetch('data_path: data\nlabels_path: labels\nmetadata_path:\n')).not.toHaveProperty('metadata');
});

it.each([
  ['data_path: ../data\nlabels_path: labels', /leads out/],
  ['data_path: /etc\nlabels_path: labels', /leads out/],
  ['data_path: images\nlabels_path: labels', /nothing at that path/],
  ['data_path: data/images/one.png\nlabels_path: labels', /a file/],
  ['data_path: data\nlabels_path: labels\nmetadata_path: nowhere', /nothing at that path/],
  ['data_path: data', /a file without them/],
  [`data_path: ${'x'.repeat(5_000)}\nlabels_path: labels`, /a file without them/],
  [`data_path: data/images\nlabels_path: labels\nmore: ${'x'.repeat(100_000)}`, /a file without them/],
])('refuses paths.yaml with %.40j', async (paths, why) => {
  await expect(fetch(paths)).rejects.toMatchObject({
    type: 'InvalidRequest',
    message: expect.stringMatching(why) as unknown,
  });
});
