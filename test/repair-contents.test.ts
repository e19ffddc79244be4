import { chmod, mkdir, mkdtemp, readdir, readFile, rm, truncate, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from 'tar';
import { toMedperfHash } from '../contract';
import type { BlobRef, Cube, DataAndLabels, Digest, HostedMlcube, HostedRef, RunTaskInput } from '../contract';
import { startFileHost } from '../devstack/file-host';
import type { FileHost } from '../devstack/file-host';
import type { Engine, RunRequest } from '../engine/engine';
import { Downloads } from '../store/downloads';
import { FileStore } from '../store/file-store';
import { fetchCube } from '../activities/fetch-cube';
import { fetchDemoData } from '../activities/fetch-demo-data';
import { findResult } from '../activities/find-result';
import { obtainImage } from '../activities/host-steps';
import { runTask } from '../activities/run-task';

const MANIFEST = `
name: model
docker: { image: 'a/b:1' }
tasks:
  infer:
    parameters:
      inputs: { data_path: { type: directory, default: data }, parameters_file: parameters.yaml }
      outputs: { output_path: { type: directory, default: predictions } }
`;
let home: string;
let directory: string;
let store: FileStore;
let host: FileHost;
let ref: HostedRef;
let demo: { url: string; hash: string };
let cube: Cube;
let data: DataAndLabels;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'repair-'));
  directory = join(home, 'store');
  store = new FileStore(directory);
  const hosted = join(home, 'hosted');
  await mkdir(hosted);
  host = await startFileHost({ directory: hosted });
  await writeFolder(join(home, 'additional'), { 'weights.bin': 'weights'.repeat(1000), 'code/main.py': 'print(1)' });
  await create({ cwd: join(home, 'additional'), file: join(hosted, 'files.tar.gz'), gzip: true }, ['.']);
  const paths = 'data_path: data\nlabels_path: labels\n';
  await writeFolder(join(home, 'demo'), { 'paths.yaml': paths, 'data/one.png': 'one', 'labels/labels.csv': 'label' });
  await create({ cwd: join(home, 'demo'), file: join(hosted, 'demo.tar') }, ['.']);
  await writeFile(join(hosted, 'image.tar'), 'image');
  ref = {
    kind: 'hosted',
    name: 'model',
    uid: 4,
    files: {
      format: 'mlcube',
      urls: {
        manifestUrl: await hostFile('mlcube.yaml', MANIFEST),
        parametersUrl: await hostFile('parameters.yaml', 'threshold: 0.5\n'),
        additionalFilesUrl: `${host.url}/files.tar.gz`,
        imageTarballUrl: `${host.url}/image.tar`,
      },
      hashes: {
        manifestHash: await hashOf('mlcube.yaml'),
        parametersHash: await hashOf('parameters.yaml'),
        additionalFilesHash: await hashOf('files.tar.gz'),
        imageTarballHash: await hashOf('image.tar'),
        imageHash: 'e'.repeat(64),
      },
    },
  };
  demo = { url: `${host.url}/demo.tar`, hash: await hashOf('demo.tar') };
  cube = await fetch();
  data = await fetchData();
});

afterEach(async () => {
  await host.close();
  await rm(home, { recursive: true, force: true });
});

async function writeFolder(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(folder, path, '..'), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}

async function hostFile(name: string, content: string): Promise<string> {
  await writeFile(join(home, 'hosted', name), content);
  return `${host.url}/${name}`;
}

async function hashOf(name: string): Promise<string> {
  return toMedperfHash((await new FileStore(join(home, 'other')).putFile(join(home, 'hosted', name))).digest);
}

const signal = new AbortController().signal;
const tell = (): void => undefined;
const downloads = new Downloads(['127.0.0.1']);
const fetching = () => ({ store, downloads, signal, tell });
const fetch = (): Promise<Cube> => fetchCube(fetching(), { cube: ref, tasks: ['infer'], offline: false });
const fetchData = (): Promise<DataAndLabels> =>
  fetchDemoData({ ...fetching(), offline: false }, { ...demo, offline: false });

/** As the server does with what it may: again after a failure of the place. */
async function retried<T>(attempt: (number: number) => Promise<T>): Promise<T> {
  for (let number = 1; ; number += 1) {
    try {
      return await attempt(number);
    } catch (error) {
      if (number === 4 || (error as { type?: string }).type !== 'StoreUnavailable') throw error;
    }
  }
}

const pathOf = (digest: Digest): string => join(directory, 'blobs', digest.slice(7, 9), digest.slice(7));

const DAMAGE: Readonly<Record<string, (path: string) => Promise<void>>> = {
  missing: unlink,
  truncated: (path) => truncate(path, 3),
  'with a flipped bit': async (path) => {
    const bytes = await readFile(path);
    bytes[bytes.length - 1]! ^= 1;
    await chmod(path, 0o644);
    await writeFile(path, bytes);
  },
};

const promised = (hash: string | undefined): Digest => `sha256:${hash ?? ''}`;
const member = async (path: string): Promise<Digest> => (await store.lookUp(cube.tree, path))!.digest;
const BLOBS: Readonly<Record<string, () => Promise<Digest> | Digest>> = {
  manifest: () => promised((ref.files as HostedMlcube).hashes.manifestHash),
  parameters: () => promised((ref.files as HostedMlcube).hashes.parametersHash),
  'archive of additional files': () => promised((ref.files as HostedMlcube).hashes.additionalFilesHash),
  'folder of additional files': () => member('workspace/additional_files'),
  'folder below': () => member('workspace/additional_files/code'),
  'additional file': () => member('workspace/additional_files/weights.bin'),
  "cube's own folder": () => cube.tree,
};
const cases = Object.keys(BLOBS).flatMap((blob) => Object.keys(DAMAGE).map((damage) => [blob, damage] as const));

describe('what is missing or damaged in the store', () => {
  // Of the file behind a link only its size is looked at; `verifyStore` finds the rest.
  it.each(cases.filter(([blob, damage]) => blob !== 'additional file' || damage !== 'with a flipped bit'))(
    'is fetched again with its cube: the %s, %s',
    async (blob, damage) => {
      await DAMAGE[damage]!(pathOf(await BLOBS[blob]!()));
      expect(await retried(fetch)).toEqual(cube);
      await store.materialise(cube.tree, join(home, 'out'), 'copy');
      const files = join(home, 'out', 'workspace', 'additional_files');
      expect(await readFile(join(files, 'weights.bin'), 'utf8')).toBe('weights'.repeat(1000));
      expect(await readFile(join(files, 'code', 'main.py'), 'utf8')).toBe('print(1)');
      expect(await readFile(join(home, 'out', 'workspace', 'parameters.yaml'), 'utf8')).toBe('threshold: 0.5\n');
    },
  );

  it('is never unpacked from a damaged archive', async () => {
    // Uncompressed, so that the archive can be read though its bytes are others.
    const archive = promised(demo.hash);
    const bytes = await readFile(pathOf(archive));
    bytes[bytes.indexOf('label\0')]! ^= 1;
    await chmod(pathOf(archive), 0o644);
    await writeFile(pathOf(archive), bytes);
    for (const tree of [data.data, data.labels]) await unlink(pathOf(tree));
    expect(await retried(fetchData)).toEqual(data);
    expect(await readdir(join(directory, 'quarantine'))).toContain(demo.hash);
  });

  it.each(['missing', 'truncated'])('is fetched again by the run that needs it: a file, %s', async (damage) => {
    const [image] = Object.values(await store.listDirectory(data.data));
    await DAMAGE[damage]!(pathOf(await member('workspace/parameters.yaml')));
    await DAMAGE[damage]!(pathOf(image!.digest));
    const attempts: number[] = [];
    const result = await retried((attempt) => {
      attempts.push(attempt);
      const owner = { owner: 'step', workflowId: 'w', labels: {}, attempt };
      return runTask(
        { store, downloads, engine, limits, policyGpus: 0, reuse: 'across-users', signal, tell, ...owner },
        input(),
      );
    });
    expect(result.reused).toBe(false);
    expect(attempts).toEqual([1, 2]);
  });

  it.each(Object.keys(DAMAGE))(
    "is fetched again by the host that loads a cube's image: its archive, %s",
    async (damage) => {
      await DAMAGE[damage]!(pathOf(cube.image.archive!.digest));
      const attempts: number[] = [];
      await retried((attempt) => {
        attempts.push(attempt);
        return obtainImage({ engine, store, downloads, attempt }, { cube, offline: false }, signal, tell);
      });
      expect(attempts).toEqual([1, 2]);
    },
  );

  it('is made again by the step whose output it is', async () => {
    const attempt = { owner: 'step', workflowId: 'w', labels: {}, attempt: 1 };
    const place = { store, downloads, engine, limits, policyGpus: 0, reuse: 'across-users', signal, tell } as const;
    const first = await runTask({ ...place, ...attempt }, input());
    expect((await runTask({ ...place, ...attempt }, input())).reused).toBe(true);
    const { digest } = (await store.lookUp(first.outputs['output_path']!, 'predictions.json'))!;
    await unlink(pathOf(digest));
    expect(await findResult(store, input())).toBeNull();
    expect((await runTask({ ...place, ...attempt }, input())).reused).toBe(false);
    expect((await findResult(store, input()))?.outputs).toEqual(first.outputs);
  });

  it('is not fetched where that was forbidden', async () => {
    await fetchCube(fetching(), { cube: ref, tasks: ['infer'], offline: true });
    await unlink(pathOf(cube.image.archive!.digest));
    const again = retried((attempt) =>
      obtainImage({ engine, store, downloads, attempt }, { cube, offline: true }, signal, tell),
    );
    await expect(again).rejects.toMatchObject({
      type: 'InvalidRequest',
      message: expect.stringMatching(/offline/) as unknown,
    });
  });
});

const input = (): RunTaskInput => ({
  cube,
  imageId: `sha256:${'e'.repeat(64)}`,
  task: 'infer',
  inputs: { data_path: data.data },
  gpus: 0,
  noCache: false,
  benchmark: null,
  scope: null,
});

const limits = { shmBytes: 1 } as RunRequest['limits'];
let folders = 0;
/** Puts its inputs where a container would see them, and looks at an image's archive, as the real one does. */
const engine = {
  hostName: () => Promise.resolve('host'),
  release: () => Promise.resolve(),
  obtainImage: async ({ archive }: { archive?: BlobRef }) => {
    await store.check(archive!.digest);
    return `sha256:${'e'.repeat(64)}`;
  },
  run: async ({ key, action }: RunRequest) => {
    for (const tree of Object.values(action.inputs)) {
      folders += 1;
      await store.materialise(tree, join(home, `run-${folders}`), 'link');
    }
    const log = await store.putBytes('log');
    const predictions = { kind: 'file', executable: false, ...(await store.putBytes('predictions')) } as const;
    const { digest } = await store.composeTree({ 'predictions.json': predictions });
    return { ...ENDED, key, log, outputs: { output_path: digest } };
  },
} as unknown as Engine;

const ENDED = {
  exitCode: 0,
  startedAt: '2026-01-01T00:00:00Z',
  finishedAt: '2026-01-01T00:00:01Z',
  host: 'host',
  resources: { wallSeconds: 1, cpuSeconds: 1, peakMemoryBytes: 1, readBytes: 1, writtenBytes: 1, gpuSeconds: 0 },
  outputBound: 'filesystem',
} as const;
