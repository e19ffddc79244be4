import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Digest, JsonValue } from '../contract';
import { canonicalYaml } from '../mlcube/canonical-yaml';
import { Downloads } from '../store/downloads';
import { FileStore } from '../store/file-store';
import type { TreeEntry } from '../store/store';
import { fetchCube } from './fetch-cube';
import { localCube, readFolderCube } from './folder-cube';

const EXAMPLE = join(__dirname, '..', 'examples', 'cubes', 'chestxray_mlp', 'mlcube');
const CONFIG = `
image: a/b:1
container_type: DockerImage
tasks:
  infer:
    input_volumes: { parameters_file: { type: file, mount_path: /p.yaml } }
    output_volumes: { output_path: { type: directory, mount_path: /out } }
`;
const PARAMETERS = '# by hand\nrate: 0.0010\nlabels: [b, a]\n';

let home: string;
let store: FileStore;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'medperf-folder-'));
  store = new FileStore(home);
});

afterEach(() => rm(home, { recursive: true, force: true }));

async function folderOf(files: Readonly<Record<string, string>>, parameters = PARAMETERS): Promise<Digest> {
  const file = async (text: string): Promise<TreeEntry> => ({
    kind: 'file',
    ...(await store.putBytes(text)),
    executable: false,
  });
  const unread = await store.composeTree({ 'weights.bin': await file('w') });
  const workspace = await store.composeTree({
    'parameters.yaml': await file(parameters),
    additional_files: { kind: 'directory', digest: unread.digest },
    'notes.txt': await file('left out'),
  });
  const members: Record<string, TreeEntry> = { workspace: { kind: 'directory', digest: workspace.digest } };
  for (const [name, text] of Object.entries(files)) members[name] = await file(text);
  return (await store.composeTree(members)).digest;
}

/** What comes of a server's record of the same cube. */
async function recorded(config: JsonValue, parameters: JsonValue): Promise<Digest> {
  const put = async (value: JsonValue): Promise<Digest> => (await store.putBytes(canonicalYaml(value))).digest;
  const place = {
    store,
    downloads: new Downloads(),
    signal: new AbortController().signal,
    tell: () => undefined,
  };
  const files = {
    format: 'container' as const,
    config: await put(config),
    parameters: await put(parameters),
    additionalFiles: null,
    imageHash: `sha256:${'c'.repeat(64)}`,
  };
  const cube = { kind: 'hosted', name: 'x', uid: 1, files } as const;
  return (await fetchCube(place, { cube, tasks: [], offline: true })).tree;
}

it("has a folder's container in the tree of the server's record, without what no task reads", async () => {
  const { tree, format, image } = await readFolderCube(
    store,
    { tree: await folderOf({ 'container_config.yaml': CONFIG }), label: 'x' },
    null,
  );
  expect({ format, image }).toEqual({ format: 'container', image: 'a/b:1' });
  expect(await recorded(parse(CONFIG) as JsonValue, { labels: ['b', 'a'], rate: 0.001 })).toBe(tree);
  expect(Object.keys(await store.listDirectory((await store.lookUp(tree, 'workspace'))!.digest))).toEqual([
    'parameters.yaml',
  ]);
});

it('leaves parameters out of a record too where no task reads them', async () => {
  const config = CONFIG.replace(/ {4}input_volumes.*\n/, '');
  const folder = { tree: await folderOf({ 'container_config.yaml': config }, 'unread: .nan\n'), label: 'x' };
  expect(await recorded(parse(config) as JsonValue, { some: 1 })).toBe(
    (await readFolderCube(store, folder, null)).tree,
  );
});

it('makes of an mlcube what its container_config says, where that is asked for', async () => {
  const [manifest, config] = await Promise.all(
    ['mlcube.yaml', 'container_config.yaml'].map((name) => readFile(join(EXAMPLE, name), 'utf8')),
  );
  const folder = { tree: await folderOf({ 'mlcube.yaml': manifest! }), label: 'x' };
  const converted = await readFolderCube(store, folder, 'container');
  const written = { tree: await folderOf({ 'container_config.yaml': config! }), label: 'x' };
  expect(converted).toEqual(await readFolderCube(store, written, 'container'));
  expect(await readFolderCube(store, folder, null)).toMatchObject({ format: 'mlcube' });

  const both = { tree: await folderOf({ 'mlcube.yaml': manifest!, 'container_config.yaml': CONFIG }), label: 'x' };
  expect(await readFolderCube(store, both, null)).toMatchObject({ format: 'mlcube' });
  expect(await readFolderCube(store, both, 'container')).toMatchObject({ format: 'container', image: 'a/b:1' });
});

it('names what is missing, and what cannot be converted', async () => {
  const label = 'x';
  const container = { tree: await folderOf({ 'container_config.yaml': CONFIG }), label };
  await expect(readFolderCube(store, container, 'mlcube')).rejects.toThrow(/no cube for a server of the MLCube/);
  await expect(readFolderCube(store, { tree: await folderOf({}), label }, null)).rejects.toThrow(/x is no cube\./);
  const other = { tree: await folderOf({ 'mlcube.yaml': 'docker: {image: x}\ntasks: {train: {}}\n' }), label };
  await expect(readFolderCube(store, other, 'container')).rejects.toThrow(/no task that MedPerf runs/);
  const bad = { tree: await folderOf({ 'container_config.yaml': CONFIG }, 'a: .inf\n'), label };
  await expect(readFolderCube(store, bad, null)).rejects.toThrow(/parameters\.yaml:1: error/);
});

it('does not know the image of an archive before it is there', async () => {
  const config = CONFIG.replace('a/b:1', 'https://files.example/a.tar').replace('DockerImage', 'DockerArchive');
  const folder = { tree: await folderOf({ 'container_config.yaml': config }), label: 'x' };
  expect(await localCube(store, folder, null)).toBeNull();
});
