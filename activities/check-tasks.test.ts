import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toMedperfHash } from '../contract';
import type { CubeFormat, Task } from '../contract';
import { Downloads } from '../store/downloads';
import { FileStore } from '../store/file-store';
import { checkTasks } from './check-tasks';
import { fetchCube } from './fetch-cube';

const MANIFEST = `docker: { image: 'a/b:1' }
tasks:
  infer:
    parameters:
      inputs: { data_path: data/, weights: additional_files/w.bin, more: additional_files/. }
      outputs: { output_path: predictions/ }
`;
const directory = (place: string): string => `{ mount_path: /${place}, type: directory }`;
const CONFIG = `container_type: DockerImage
image: a/b:1
tasks:
  prepare:
    input_volumes: { data_path: ${directory('raw')} }
    output_volumes: { output_path: ${directory('data')}, metadata_path: ${directory('metadata')} }
  sanity_check:
    input_volumes: { data_path: ${directory('data')}, metadata_path: ${directory('metadata')} }
  statistics:
    input_volumes: { data_path: ${directory('data')} }
`;
const PREPARATION = ['prepare', 'sanity_check', 'statistics'] as const;

function check(format: CubeFormat, text: string, tasks: readonly Task[]): Promise<void> {
  return checkTasks('mine', { format, text }, tasks);
}

it('finds nothing in what can be run', async () => {
  await expect(check('mlcube', MANIFEST, ['infer'])).resolves.toBeUndefined();
  await expect(check('container', CONFIG, PREPARATION)).resolves.toBeUndefined();
});

it.each<[string, CubeFormat, string, readonly Task[], string, RegExp]>([
  ['a task', 'mlcube', MANIFEST, ['evaluate'], 'InvalidManifest', /mlcube\.yaml has no task evaluate\..*Found: infer/],
  ['a task', 'container', CONFIG, ['infer'], 'InvalidManifest', /no task infer\..*Found: prepare, sanity_check/],
  [
    'an input',
    'mlcube',
    MANIFEST.replace('data_path', 'data'),
    ['infer'],
    'InvalidManifest',
    /mlcube\.yaml:3: error: the task infer has no input "data_path"/,
  ],
  [
    'an output',
    'mlcube',
    MANIFEST.replace('output_path', 'predictions'),
    ['infer'],
    'IncompatibleModel',
    /infer has no output output_path\..*Found: predictions/,
  ],
  [
    'an output',
    'container',
    CONFIG.replace(/output_path: {.*?}, /, ''),
    ['prepare'],
    'IncompatibleModel',
    /prepare has no output output_path\..*Found: metadata_path/,
  ],
  [
    'what one of its tasks hands to another',
    'container',
    CONFIG.replace(/, metadata_path: (.*)\n {2}sanity/, ' }\n  sanity'),
    PREPARATION,
    'InvalidManifest',
    /error: nothing gives sanity_check its "metadata_path"/,
  ],
])('says whose cube lacks %s, and what to do (%s)', async (_, format, text, tasks, type, message) => {
  const failure = check(format, text, tasks);
  await expect(failure).rejects.toMatchObject({ type });
  await expect(failure).rejects.toThrow(/^The cube mine does not fit its part: /);
  await expect(failure).rejects.toThrow(new RegExp(message.source, 's'));
});

it('leaves open what only prepared data tells', async () => {
  const text = CONFIG.replace(/, metadata_path: (.*)\n {2}sanity/, ' }\n  sanity');
  await expect(check('container', text, PREPARATION.slice(1))).resolves.toBeUndefined();
});

it('stops a download when only the description is there', async () => {
  const home = await mkdtemp(join(tmpdir(), 'medperf-check-'));
  try {
    const store = new FileStore(home);
    const manifestHash = toMedperfHash((await store.putBytes(MANIFEST)).digest);
    // Nothing answers there.
    const nowhere = 'http://127.0.0.1:1/file';
    const urls = { manifestUrl: nowhere, additionalFilesUrl: nowhere, imageTarballUrl: nowhere };
    const files = { format: 'mlcube', urls, hashes: { manifestHash } } as const;
    const signal = new AbortController().signal;
    const place = { store, downloads: new Downloads(), signal, tell: () => undefined };
    const cube = { kind: 'hosted', name: 'mine', files } as const;
    const fetching = fetchCube(place, { cube, tasks: ['evaluate'], offline: false });
    await expect(fetching).rejects.toThrow(/The cube mine does not fit its part: mlcube\.yaml has no task evaluate/);
  } finally {
    await rm(home, { recursive: true });
  }
});
