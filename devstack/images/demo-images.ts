import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { z } from 'zod';
import { PACKAGE_ROOT } from '../package-root';
import { folder, membersBelow, nestedTar, tarBytes } from '../tar-writing';
import type { TarMember } from '../tar-writing';
import { NODE_IN_IMAGE, nodeFiles } from './node-files';

/** Each demo image by the folder of `devstack/cubes` that it runs. */
const IMAGES = {
  'temporal-medperf/chestxray-prep:1': 'data-preparator',
  'temporal-medperf/chestxray-model:1': 'model',
  'temporal-medperf/chestxray-metrics:1': 'metrics',
  'temporal-medperf/chestxray-failing:1': 'failing',
} as const;

export type DemoImage = keyof typeof IMAGES;

interface Image {
  readonly reference: DemoImage;
  readonly configuration: Buffer;
  /** `sha256:…` of the configuration: what a daemon that keeps its images in layers (overlay2) calls the image's id. */
  readonly id: string;
  readonly layers: readonly Layer[];
}

interface Layer {
  readonly members: readonly TarMember[];
  /** Bare hex SHA-256 of the layer's tar. */
  readonly hash: string;
}

const CUBES = join(PACKAGE_ROOT, 'devstack', 'cubes');
const LOAD_FAILURE = z.object({ error: z.string() });

/**
 * Makes the demo cubes' images present without any image registry: the running Node.js with its libraries, and over it
 * the cube's code. The same Node.js, libraries and code give the same ids; images that are there are not loaded again.
 * @returns ids (`sha256:…`) by reference.
 * @throws Error when this is no Linux, or when the daemon refuses the images.
 */
export async function buildDemoImages({ docker }: { docker: Docker }): Promise<Readonly<Record<DemoImage, string>>> {
  const images = await makeImages(Object.keys(IMAGES) as DemoImage[]);
  const present = await Promise.all(images.map(async ({ reference, id }) => (await idOf(docker, reference)) === id));
  if (!present.every(Boolean)) await load(docker, images);
  const ids = await Promise.all(
    images.map(async ({ reference }) => [reference, (await docker.getImage(reference).inspect()).Id] as const),
  );
  return Object.fromEntries(ids) as Record<DemoImage, string>;
}

/**
 * The same images as archives for `docker load`, each whole in itself, as their owners would host them; about 100 MB each.
 * The same Node.js, libraries and code give the same bytes.
 */
export async function demoImageArchives(
  references: readonly DemoImage[],
): Promise<ReadonlyMap<DemoImage, () => AsyncIterable<Buffer>>> {
  const images = await makeImages(references);
  return new Map(images.map((image) => [image.reference, () => archive([image])]));
}

async function makeImages(references: readonly DemoImage[]): Promise<Image[]> {
  const base = await layer([...(await nodeFiles()), ...(await yamlPackage())]);
  const environment = libraryPath(base);
  return Promise.all(references.map((reference) => makeImage(reference, base, environment)));
}

async function makeImage(reference: DemoImage, base: Layer, environment: string): Promise<Image> {
  const cube = IMAGES[reference];
  const layers = [base, await layer(await cubeFiles(cube))];
  const configuration = Buffer.from(
    JSON.stringify({
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      os: 'linux',
      created: '1970-01-01T00:00:00Z',
      config: {
        Env: ['PATH=/usr/local/bin', environment],
        Entrypoint: [`/${NODE_IN_IMAGE}`, `/cube/${cube}/main.js`],
        WorkingDir: '/',
      },
      rootfs: { type: 'layers', diff_ids: layers.map(({ hash }) => `sha256:${hash}`) },
    }),
  );
  return { reference, configuration, id: `sha256:${sha256(configuration)}`, layers };
}

/** The cube's own folder and what all cubes need. */
async function cubeFiles(cube: string): Promise<TarMember[]> {
  return [
    folder('cube/'),
    { path: 'cube/run-task.js', content: await readFile(join(CUBES, 'run-task.js')) },
    ...(await folderBelow(join(CUBES, 'formats'), 'cube/formats/')),
    ...(await folderBelow(join(CUBES, cube), `cube/${cube}/`)),
  ];
}

/** Parameters and results of cubes are YAML. */
async function yamlPackage(): Promise<TarMember[]> {
  const root = dirname(require.resolve('yaml/package.json'));
  const place = 'cube/node_modules/yaml/';
  return [
    folder('cube/'),
    folder('cube/node_modules/'),
    folder(place),
    { path: `${place}package.json`, content: await readFile(join(root, 'package.json')) },
    { path: `${place}LICENSE`, content: await readFile(join(root, 'LICENSE')) },
    ...(await folderBelow(join(root, 'dist'), `${place}dist/`)),
  ];
}

async function folderBelow(directory: string, prefix: string): Promise<TarMember[]> {
  return [folder(prefix), ...(await membersBelow(directory, prefix))];
}

/** There is no `ld.so.cache` in the image to tell the loader of libraries in unusual places. */
function libraryPath({ members }: Layer): string {
  const folders = members.filter(({ path }) => /\.so[.\d]*$/.test(path)).map(({ path }) => `/${dirname(path)}`);
  return `LD_LIBRARY_PATH=${[...new Set(folders)].sort().join(':')}`;
}

async function layer(members: readonly TarMember[]): Promise<Layer> {
  const hash = createHash('sha256');
  for await (const piece of tarBytes(members)) hash.update(piece);
  return { members, hash: hash.digest('hex') };
}

async function idOf(docker: Docker, reference: string): Promise<string | null> {
  const [found] = await docker.listImages({ filters: JSON.stringify({ reference: [reference] }) });
  return found?.Id ?? null;
}

/** Hands all images to the daemon as one archive in which layers that several share are once. */
async function load(docker: Docker, images: readonly Image[]): Promise<void> {
  const answer = await docker.loadImage(Readable.from(archive(images), { objectMode: false }), { quiet: true });
  let text = '';
  for await (const piece of answer) text += piece.toString();
  for (const line of text.split('\n').filter((part) => part.trim() !== '')) {
    const failure = LOAD_FAILURE.safeParse(JSON.parse(line));
    if (failure.success) throw new Error(`Docker does not take the demo images: ${failure.data.error}`);
  }
}

function archive(images: readonly Image[]): AsyncGenerator<Buffer> {
  const manifest = images.map(({ reference, configuration, layers }) => ({
    Config: configurationFile(configuration),
    RepoTags: [reference],
    Layers: layers.map(layerFile),
  }));
  const layers = new Map(images.flatMap((each) => each.layers.map((one) => [one.hash, one] as const)));
  return tarBytes([
    { path: 'manifest.json', content: Buffer.from(JSON.stringify(manifest)) },
    ...images.map(({ configuration }) => ({ path: configurationFile(configuration), content: configuration })),
    ...[...layers.values()].map((one) => ({ path: layerFile(one), content: nestedTar(one.members) })),
  ]);
}

function configurationFile(configuration: Buffer): string {
  return `${sha256(configuration)}.json`;
}

function layerFile({ hash }: Layer): string {
  return `${hash}/layer.tar`;
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
