import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { hostedFileNames } from '../contract';
import { demoDataArchive, demoDataFiles } from './demo-data';
import { hashOf, hostBytes } from './hosted-files';
import type { HashingPlace, HostingPlace } from './hosted-files';
import type { DemoImage } from './images/demo-images';
import { PACKAGE_ROOT } from './package-root';
import type { Tutorial, TutorialBenchmark } from './registry';
import type { StackDialect } from './stack-dialect';
import { EXAMPLES, hostContainers, hostCubes } from './tutorial-cubes';

const run = promisify(execFile);

/**
 * Hosts the files of the benchmark's three cubes and its demo data, and answers what the registry is to know of them.
 * A file is published under its hash, so what a registry has registered earlier stays as it was.
 * @param images ids (`sha256:…`) of the demo images by reference.
 */
export async function hostTutorial(
  place: HostingPlace,
  images: Readonly<Record<DemoImage, string>>,
  dialect: StackDialect,
): Promise<Tutorial> {
  const hashing = { ...place, algorithm: dialect === 'E23' ? 'sha1' : 'sha256' } as const;
  const benchmark = await hostBenchmark(hashing);
  if (dialect === 'HEAD') return { ...(await hostContainers(hashing)), benchmark };
  // E23 records no image's id.
  return { ...(await hostCubes(hashing, dialect === 'E23' ? null : images)), benchmark };
}

async function hostBenchmark(place: HashingPlace): Promise<TutorialBenchmark> {
  const [demo, demoDatasetGeneratedUid] = await Promise.all([
    demoDataArchive().then((archive) => hostBytes(place, 'chestxray', 'demo_data.tar.gz', archive)),
    preparedDemoDataHash(place.algorithm),
  ]);
  return { demoDatasetUrl: demo.url, demoDatasetHash: demo.hash, demoDatasetGeneratedUid };
}

/** MedPerf's folder hash of the prepared demo data and labels: names and layout do not count. */
async function preparedDemoDataHash(algorithm: 'sha1' | 'sha256'): Promise<string> {
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
    const hashes = await Promise.all(
      names.map(async (name) => hashOf(algorithm, await readFile(join(prepared, name)))),
    );
    return hashOf(algorithm, Buffer.from(hashes.sort().join('')));
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
