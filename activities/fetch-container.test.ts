import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cube, Digest, HostedContainer, Task } from '../contract';
import { canonicalYaml } from '../mlcube/canonical-yaml';
import { Downloads } from '../store/downloads';
import { FileStore } from '../store/file-store';
import { fetchCube } from './fetch-cube';

const DIGEST = `sha256:${'a'.repeat(64)}` as const;
const TASK = { input_volumes: { data_path: { mount_path: '/data', type: 'directory' } } };
const READING = { input_volumes: { ...TASK.input_volumes, parameters_file: { mount_path: '/p.yaml', type: 'file' } } };

let home: string;
let store: FileStore;
let asked: string[];

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'fetch-container-'));
  store = new FileStore(home);
  asked = [];
});
afterEach(() => rm(home, { recursive: true, force: true }));

async function fetched(
  image: string,
  {
    offline = false,
    found = DIGEST,
    tasks = [],
    task = TASK,
    ...more
  }: Partial<HostedContainer> & {
    offline?: boolean;
    found?: Digest | null;
    tasks?: readonly Task[];
    task?: typeof TASK;
  },
): Promise<Cube> {
  const config = canonicalYaml({ container_type: 'DockerImage', image, tasks: { infer: task } });
  const { digest } = await store.putBytes(config);
  const files = { format: 'container', config: digest, parameters: null, additionalFiles: null, ...more } as const;
  const images = {
    resolve: ({ host, repository, tag }: { host: string; repository: string; tag: string | null }) => {
      asked.push(`${host}/${repository}:${tag ?? ''}`);
      return Promise.resolve(found);
    },
  };
  const signal = new AbortController().signal;
  const place = { store, downloads: new Downloads(), images, signal, tell: () => undefined };
  return fetchCube(place, { cube: { kind: 'hosted', name: 'model', files }, tasks, offline });
}

it('asks the registry once which image a tag is now, and keeps to that one', async () => {
  const cube = await fetched('images.example/team/model:1', {});
  expect(cube.image).toEqual({ reference: `images.example/team/model@${DIGEST}`, expectedId: null });
  expect(cube.hashes).toEqual({ imageHash: DIGEST });
  expect(asked).toEqual(['images.example/team/model:1']);
});

it.each([
  ['the record', 'images.example/team/model:1', { imageHash: DIGEST }],
  ['the name', `images.example/team/model:1@${DIGEST}`, {}],
])('asks nobody where %s says it, offline too', async (_, image, more) => {
  const cube = await fetched(image, { ...more, offline: true });
  expect(cube.image.reference).toBe(`images.example/team/model@${DIGEST}`);
  expect(asked).toEqual([]);
});

it('says what to do with an image that no registry has', async () => {
  const failure = { type: 'InvalidManifest', facts: { next: expect.stringContaining('DockerArchive') as unknown } };
  await expect(fetched('images.example/gone:1', { found: null })).rejects.toMatchObject(failure);
  await expect(fetched('images.example/model:1', { offline: true })).rejects.toMatchObject(failure);
});

it("takes no archive's hash for an image in a registry", async () => {
  const imageHash = 'a'.repeat(64);
  await expect(fetched('images.example/m:1', { imageHash })).rejects.toMatchObject({ type: 'InvalidRequest' });
});

it('refuses parameters that are no mapping, before anybody is asked for anything', async () => {
  const { digest: parameters } = await store.putBytes('- 1\n');
  const fetching = fetched('images.example/team/model:1', { parameters, task: READING });
  await expect(fetching).rejects.toThrow(/parameters\.yaml:1: error: the file holds a list/);
  expect(asked).toEqual([]);
  const unread = await fetched('images.example/team/model:1', { parameters });
  expect(unread.tree).toBe((await fetched('images.example/team/model:1', {})).tree);
});

it('refuses a cube without what a test runs of it, before anybody is asked for anything', async () => {
  const lacking = fetched('images.example/team/model:1', { tasks: ['infer'] });
  await expect(lacking).rejects.toMatchObject({
    type: 'IncompatibleModel',
    message: expect.stringMatching(
      /The cube model does not fit its part: .* infer has no output output_path/,
    ) as string,
  });
  await expect(fetched('images.example/m:1', { tasks: ['evaluate'] })).rejects.toThrow(/has no task evaluate/);
  expect(asked).toEqual([]);
});
