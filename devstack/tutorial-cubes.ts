import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { hostedFileNames } from '../contract';
import { hostBytes, hostStream } from './hosted-files';
import type { HashingPlace, HostedFile } from './hosted-files';
import { demoImageArchives } from './images/demo-images';
import type { DemoImage } from './images/demo-images';
import { PACKAGE_ROOT } from './package-root';
import type { TutorialContainer, TutorialCube } from './registry';
import { membersBelow, tarGz } from './tar-writing';

export const EXAMPLES = join(PACKAGE_ROOT, 'examples', 'cubes');

/** The benchmark's cubes, in the order in which they are registered. */
const TUTORIAL_CUBES = [
  { part: 'dataPreparator', name: 'chestxray_prep', image: 'temporal-medperf/chestxray-prep:1' },
  { part: 'referenceModel', name: 'chestxray_cnn', image: 'temporal-medperf/chestxray-model:1' },
  { part: 'metrics', name: 'chestxray_metrics', image: 'temporal-medperf/chestxray-metrics:1' },
] as const satisfies readonly { part: string; name: string; image: DemoImage }[];

export type TutorialPart = (typeof TUTORIAL_CUBES)[number]['part'];

/**
 * Hosts the cubes' files as servers of the MLCube generations want them.
 * @param images ids (`sha256:…`) by reference, where they are to be recorded.
 */
export async function hostCubes(
  place: HashingPlace,
  images: Readonly<Record<DemoImage, string>> | null,
): Promise<Readonly<Record<TutorialPart, TutorialCube>>> {
  const cubes = TUTORIAL_CUBES.map(
    async ({ part, name, image }) => [part, await hostCube(place, name, images?.[image])] as const,
  );
  return Object.fromEntries(await Promise.all(cubes)) as Readonly<Record<TutorialPart, TutorialCube>>;
}

async function hostCube(place: HashingPlace, name: string, imageId: string | undefined): Promise<TutorialCube> {
  const tree = join(EXAMPLES, name, 'mlcube');
  const workspace = join(tree, 'workspace');
  const hosted = async (folder: string, file: string): Promise<HostedFile> =>
    hostBytes(place, name, file, await readFile(join(folder, file)));
  const [manifest, parameters, additional] = await Promise.all([
    hosted(tree, hostedFileNames.manifest),
    hosted(workspace, hostedFileNames.parameters),
    hostAdditionalFiles(place, name),
  ]);
  return {
    name,
    manifestUrl: manifest.url,
    manifestHash: manifest.hash,
    parametersUrl: parameters.url,
    parametersHash: parameters.hash,
    ...(additional !== null && { additionalFilesUrl: additional.url, additionalFilesHash: additional.hash }),
    ...(imageId !== undefined && { imageHash: imageId.replace('sha256:', '') }),
  };
}

/** Hosts what today's server does not hold itself: the additional files, and the images as archives. */
export async function hostContainers(place: HashingPlace): Promise<Readonly<Record<TutorialPart, TutorialContainer>>> {
  const archives = await demoImageArchives(TUTORIAL_CUBES.map(({ image }) => image));
  const containers: Partial<Record<TutorialPart, TutorialContainer>> = {};
  for (const { part, name, image } of TUTORIAL_CUBES) {
    const pieces = archives.get(image)?.();
    if (pieces === undefined) throw new TypeError(`no archive of ${image}`);
    containers[part] = await hostContainer(place, name, await hostStream(place, name, 'image.tar', pieces));
  }
  return containers as Readonly<Record<TutorialPart, TutorialContainer>>;
}

async function hostContainer(place: HashingPlace, name: string, archive: HostedFile): Promise<TutorialContainer> {
  const tree = join(EXAMPLES, name, 'mlcube');
  const [config, parameters, additional] = await Promise.all([
    readYaml(join(tree, hostedFileNames.containerConfig)),
    readYaml(join(tree, 'workspace', hostedFileNames.parameters)),
    hostAdditionalFiles(place, name),
  ]);
  return {
    name,
    containerConfig: { ...config, container_type: 'DockerArchive', image: `direct:${archive.url}` },
    parametersConfig: parameters,
    imageHash: archive.hash,
    ...(additional !== null && { additionalFilesUrl: additional.url, additionalFilesHash: additional.hash }),
  };
}

async function readYaml(file: string): Promise<Readonly<Record<string, unknown>>> {
  return parse(await readFile(file, 'utf8')) as Readonly<Record<string, unknown>>;
}

async function hostAdditionalFiles(place: HashingPlace, name: string): Promise<HostedFile | null> {
  const directory = join(EXAMPLES, name, 'mlcube', 'workspace', 'additional_files');
  if (!existsSync(directory)) return null;
  return hostBytes(place, name, hostedFileNames.additionalFiles, await tarGz(await membersBelow(directory, '')));
}
