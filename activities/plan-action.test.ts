import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Digest, FindResultInput } from '../contract';
import { FileStore } from '../store/file-store';
import { HINTS } from '../store/store';
import type { TreeEntry } from '../store/store';
import { planAction, recallAction } from './plan-action';

const CONFIG = `
container_type: DockerImage
image: a/b:1
tasks:
  infer:
    run_args: { command: run it }
    input_volumes:
      data_path: { mount_path: /in/data, type: directory }
      parameters_file: { mount_path: /in/p.yaml, type: file }
      additional_files: { mount_path: /in/files, type: directory }
    output_volumes:
      output_path: { mount_path: /out, type: directory }
  evaluate:
    input_volumes:
      predictions: { mount_path: /in/predictions, type: directory }
      labels: { mount_path: /in/labels, type: directory }
    output_volumes:
      output_path: { mount_path: /out/results.yaml, type: file }
`;
const MANIFEST = `
docker: { image: 'a/b:1' }
tasks:
  infer:
    parameters:
      inputs: { data_path: data/, parameters_file: parameters.yaml }
      outputs: { output_path: predictions/ }
`;

let home: string;
let store: FileStore;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'medperf-plan-'));
  store = new FileStore(home);
});

afterEach(() => rm(home, { recursive: true, force: true }));

async function file(content: string): Promise<TreeEntry & { kind: 'file' }> {
  return { kind: 'file', ...(await store.putBytes(content)), executable: false };
}

async function folder(members: Record<string, TreeEntry>): Promise<TreeEntry & { kind: 'directory' }> {
  return { kind: 'directory', digest: (await store.composeTree(members)).digest };
}

async function inputOf(
  members: Record<string, TreeEntry>,
  given: readonly string[] = ['data_path'],
): Promise<Omit<FindResultInput, 'scope'>> {
  const empty = (await folder({})).digest;
  return {
    cube: {
      name: 'model',
      uid: null,
      tree: (await folder(members)).digest,
      image: { reference: 'x', expectedId: null },
    },
    imageId: `sha256:${'a'.repeat(64)}`,
    task: 'infer',
    inputs: Object.fromEntries(given.map((name): [string, Digest] => [name, empty])),
  };
}

it('plans a cube in the form of today’s MedPerf, and remembers it for where its files are not', async () => {
  const parameters = await file('"a": 1\n');
  const files = await folder({ weights: await file('w') });
  const workspace = await folder({ 'parameters.yaml': parameters, additional_files: files });
  const input = await inputOf({ 'container_config.yaml': await file(CONFIG), workspace });
  const { action } = await planAction(store, input);
  expect(action).toEqual({
    version: 1,
    imageId: input.imageId,
    entrypoint: null,
    command: ['run', 'it'],
    environment: {},
    inputs: { '/in/data': input.inputs['data_path'], '/in/files': files.digest },
    inputFiles: { '/in/p.yaml': parameters.digest },
    outputs: { output_path: { mount: '/out' } },
  });
  expect(await recallAction(store, input)).toEqual(action);
});

it('has no files in the action of a task that mounts none', async () => {
  const members = { 'container_config.yaml': await file(CONFIG), workspace: await folder({}) };
  const input = await inputOf(members, ['predictions', 'labels']);
  const { action } = await planAction(store, { ...input, task: 'evaluate' });
  expect(Object.keys(action)).not.toContain('inputFiles');
  expect(action.outputs).toEqual({ output_path: { mount: '/out/results.yaml', touched: true } });
  expect(await recallAction(store, { ...input, task: 'evaluate' })).toEqual(action);
});

it('gives an mlcube the action that it always had', async () => {
  const workspace = await folder({ 'parameters.yaml': await file('a: 1\n') });
  const input = await inputOf({ 'mlcube.yaml': await file(MANIFEST), workspace });
  expect((await planAction(store, input)).action).toEqual({
    version: 1,
    imageId: input.imageId,
    entrypoint: null,
    command: [
      'infer',
      '--data_path=/mlcube_io0',
      '--parameters_file=/mlcube_io1/parameters.yaml',
      '--output_path=/mlcube_io2',
    ],
    environment: {},
    inputs: { '/mlcube_io0': input.inputs['data_path'], '/mlcube_io1': workspace.digest },
    outputs: { output_path: { mount: '/mlcube_io2' } },
  });
});

it('names what a task reads and the cube does not have', async () => {
  const config = await file(CONFIG);
  const bare = await inputOf({ 'container_config.yaml': config, workspace: await folder({}) });
  await expect(planAction(store, bare)).rejects.toThrow(
    /infer of model reads workspace\/parameters\.yaml\.[^]*nothing at that path/,
  );
  const workspace = await folder({ 'parameters.yaml': await file(''), additional_files: await file('') });
  const wrong = await inputOf({ 'container_config.yaml': config, workspace });
  await expect(planAction(store, wrong)).rejects.toThrow(/reads workspace\/additional_files\.[^]*a file/);
});

it('does not take a remembered plan that another version wrote and this one does not understand', async () => {
  const input = await inputOf({ 'container_config.yaml': await file(CONFIG), workspace: await folder({}) });
  const evaluate = {
    ...input,
    task: 'evaluate',
    inputs: { predictions: input.imageId, labels: input.imageId },
  } as const;
  await planAction(store, evaluate);
  const [name = ''] = await store.listRecords(`${HINTS}plans/`);
  const record = (await store.readRecord(name)) as object;
  await store.writeRecord(name, { ...record, more: {} });
  expect(await recallAction(store, evaluate)).toBeNull();
});
