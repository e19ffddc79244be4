import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { hostedFileNames } from '../contract';
import { demoDataArchive, demoDataFiles } from './demo-data';
import type { DemoImage } from './images/demo-images';
import { PACKAGE_ROOT } from './package-root';
import type { CubeTutorial, TutorialCube } from './registry';
import { membersBelow, tarGz } from './tar-writing';

const run = promisify(execFile);
const EXAMPLES = join(PACKAGE_ROOT, 'examples', 'cubes');
/** Hex digits of a hash that tell the versions of a file apart. */
const VERSION_DIGITS = 12;

export interface HostingPlace {
  /** The folder that the file host publishes. */
  readonly directory: string;
  readonly url: string;
}

/**
 * Hosts the files of the benchmark's three cubes and its demo data, and answers what the registry is to know of them.
 * A file is published under its hash, so what a registry has registered earlier stays as it was.
 * @param images ids (`sha256:…`) of the demo images by reference.
 */
export async function hostTutorial(
  place: HostingPlace,
  images: Readonly<Record<DemoImage, string>>,
): Promise<CubeTutorial> {
  const [dataPreparator, referenceModel, metrics, demo, demoDatasetGeneratedUid] = await Promise.all([
    hostCube(place, 'chestxray_prep', images['temporal-medperf/chestxray-prep:1']),
    hostCube(place, 'chestxray_cnn', images['temporal-medperf/chestxray-model:1']),
    hostCube(place, 'chestxray_metrics', images['temporal-medperf/chestxray-metrics:1']),
    demoDataArchive().then((archive) => host(place, 'chestxray', 'demo_data.tar.gz', archive)),
    preparedDemoDataHash(),
  ]);
  const benchmark = { demoDatasetUrl: demo.url, demoDatasetHash: demo.hash, demoDatasetGeneratedUid };
  return { dataPreparator, referenceModel, metrics, benchmark };
}

async function hostCube(place: HostingPlace, name: string, imageId: string): Promise<TutorialCube> {
  const tree = join(EXAMPLES, name, 'mlcube');
  const workspace = join(tree, 'workspace');
  const [manifest, parameters, additional] = await Promise.all([
    readFile(join(tree, hostedFileNames.manifest)).then((bytes) => host(place, name, hostedFileNames.manifest, bytes)),
    readFile(join(workspace, hostedFileNames.parameters)).then((bytes) =>
      host(place, name, hostedFileNames.parameters, bytes),
    ),
    hostAdditionalFiles(place, name, join(workspace, 'additional_files')),
  ]);
  return {
    name,
    manifestUrl: manifest.url,
    manifestHash: manifest.hash,
    parametersUrl: parameters.url,
    parametersHash: parameters.hash,
    ...(additional !== null && { additionalFilesUrl: additional.url, additionalFilesHash: additional.hash }),
    imageHash: imageId.replace('sha256:', ''),
  };
}

async function hostAdditionalFiles(place: HostingPlace, name: string, directory: string): Promise<HostedFile | null> {
  if (!existsSync(directory)) return null;
  return host(place, name, hostedFileNames.additionalFiles, await tarGz(await membersBelow(directory, '')));
}

interface HostedFile {
  readonly url: string;
  readonly hash: string;
}

async function host(place: HostingPlace, folder: string, name: string, bytes: Buffer): Promise<HostedFile> {
  const hash = sha256(bytes);
  const path = `${folder}/${hash.slice(0, VERSION_DIGITS)}/${name}`;
  const target = join(place.directory, path);
  if (!existsSync(target)) {
    await mkdir(dirname(target), { recursive: true });
    await writeFile(`${target}.part`, bytes);
    await rename(`${target}.part`, target);
  }
  return { url: `${place.url}/${path}`, hash };
}

/** MedPerf's folder hash of the prepared demo data and labels: names and layout do not count. */
async function preparedDemoDataHash(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'medperf-demo-data-'));
  try {
    await writeDemoData(root);
    const prepared = join(root, 'prepared');
    await mkdir(prepared);
    await run(process.execPath, [
      ...[join(PACKAGE_ROOT, 'devstack', 'cubes', 'data-preparator', 'main.js'), 'prepare'],
      ...[`--data_path=${join(root, 'demo_data', 'images')}`, `--labels_path=${join(root, 'demo_data', 'labels')}`],
      `--parameters_file=${join(EXAMPLES, 'chestxray_prep', 'mlcube', 'workspace', hostedFileNames.parameters)}`,
      ...[
        `--output_path=${prepared}`,
        `--output_labels_path=${prepared}`,
        `--report_file=${join(root, 'report.yaml')}`,
      ],
    ]);
    const names = await readdir(prepared);
    const hashes = await Promise.all(names.map(async (name) => sha256(await readFile(join(prepared, name)))));
    return sha256(Buffer.from(hashes.sort().join('')));
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** Writes the demo data as it is before it is packed. */
export async function writeDemoData(directory: string): Promise<void> {
  for (const { path, content } of demoDataFiles()) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), content);
  }
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
