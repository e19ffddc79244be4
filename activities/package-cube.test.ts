import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CubeFormat, PackagedCube } from '../contract';
import { FileStore } from '../store/file-store';
import type { TreeEntry } from '../store/store';
import { packageCube } from './package-cube';

const MANIFEST = `docker: { image: 'a/b:1' }
tasks:
  infer:
    parameters:
      inputs: { data_path: data/, parameters_file: parameters.yaml }
      outputs: { output_path: predictions/ }
`;

let home: string;
let store: FileStore;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'medperf-package-'));
  store = new FileStore(home);
});

afterEach(() => rm(home, { recursive: true, force: true }));

async function packaged(manifest: string, parameters: string, format: CubeFormat | null): Promise<PackagedCube> {
  const file = async (text: string): Promise<TreeEntry> => ({
    kind: 'file',
    ...(await store.putBytes(text)),
    executable: false,
  });
  const workspace = await store.composeTree({ 'parameters.yaml': await file(parameters) });
  const { digest: tree } = await store.composeTree({
    'mlcube.yaml': await file(manifest),
    workspace: { kind: 'directory', digest: workspace.digest },
  });
  return packageCube(store, { tree, label: 'mine', format }, new AbortController().signal);
}

it('tells all that is wrong at once, with the parameters that a server would keep', async () => {
  const both = packaged(MANIFEST.replace('predictions/', 'predictions/, more: x/'), '- 1\n', 'container');
  await expect(both).rejects.toThrow(
    /The cube mine cannot be packaged: 2 error\(s\)\.[^]*mlcube\.yaml:6[^]*parameters\.yaml:1: error: the file holds a list/,
  );
  expect(await packaged(MANIFEST, 'a: 1\n', 'container')).toMatchObject({ format: 'container', type: 'model' });
});

it('hands the parameters of an mlcube on as they are', async () => {
  const { format, parameters } = await packaged(MANIFEST, '- 1\n', null);
  expect(format).toBe('mlcube');
  expect((await store.readBytes(parameters!.digest)).toString()).toBe('- 1\n');
});
