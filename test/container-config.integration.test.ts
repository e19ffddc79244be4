import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { toContainerConfig } from '../mlcube/container-config';
import type { ContainerConfig } from '../mlcube/container-config';
import { requireManifest } from '../mlcube/manifest';
import { EmbeddedStack, EXAMPLE_CUBES } from './embedded-stack';

const run = promisify(execFile);

let stack: EmbeddedStack;
let folder: string;
beforeAll(async () => {
  stack = await EmbeddedStack.start();
  folder = await mkdtemp(join(tmpdir(), 'container-config-'));
});
afterAll(async () => {
  await stack.stop();
  await rm(folder, { recursive: true, force: true });
});

const workspace = (cube: string): string => join(EXAMPLE_CUBES, cube, 'mlcube', 'workspace');

async function configOf(cube: string): Promise<ContainerConfig> {
  const text = await readFile(join(EXAMPLE_CUBES, cube, 'mlcube', 'mlcube.yaml'), 'utf8');
  return toContainerConfig(requireManifest(text)).config!;
}

/** As today's MedPerf runs a task: it mounts what the configuration names, and gives the command nothing of its own. */
async function runAsToday(
  { image, tasks }: ContainerConfig,
  task: string,
  places: Readonly<Record<string, string>>,
): Promise<void> {
  const { run_args, input_volumes, output_volumes } = tasks[task]!;
  const volumes: string[] = [];
  for (const [name, { mount_path }] of Object.entries(input_volumes))
    volumes.push('--volume', `${places[name]!}:${mount_path}:ro`);
  for (const [name, { mount_path, type }] of Object.entries(output_volumes)) {
    const place = places[name]!;
    await mkdir(type === 'directory' ? place : dirname(place), { recursive: true });
    if (type === 'file') await writeFile(place, '');
    volumes.push('--volume', `${place}:${mount_path}:rw`);
  }
  await run('docker', ['run', '--rm', '-u', '0:0', '--network', 'none', ...volumes, image, ...run_args.command]);
}

it("a converted model and metrics give today's MedPerf the results that the mlcubes give", async () => {
  const owner = await stack.clientOf('modelOwner');
  const model = await owner.ingestCube(join(EXAMPLE_CUBES, 'chestxray_mlp', 'mlcube'), 'chestxray_mlp');
  const { candidate } = await (await owner.startTestRun({ model, benchmark: 1, noReference: true })).result();

  // The preparation, as MLCube runs it.
  const demo = await stack.demoData();
  for (const part of ['data', 'labels'] as const)
    await stack.store.materialise(demo[part], join(folder, 'raw', part), 'copy');
  await mkdir(join(folder, 'prepared'));
  const mounts = ['--volume', `${folder}:/io`, '--volume', `${workspace('chestxray_prep')}:/workspace:ro`];
  const inputs = [
    '--data_path=/io/raw/data',
    '--labels_path=/io/raw/labels',
    '--parameters_file=/workspace/parameters.yaml',
  ];
  const outputs = ['--output_path=/io/data', '--output_labels_path=/io/labels', '--report_file=/io/report.yaml'];
  for (const name of ['data', 'labels']) await mkdir(join(folder, name));
  const prepare = ['temporal-medperf/chestxray-prep:1', 'prepare', ...inputs, ...outputs];
  await run('docker', ['run', '--rm', '-u', '0:0', ...mounts, ...prepare]);

  const predictions = join(folder, 'predictions');
  await runAsToday(await configOf('chestxray_mlp'), 'infer', {
    data_path: join(folder, 'data'),
    parameters_file: join(workspace('chestxray_mlp'), 'parameters.yaml'),
    additional_files: join(workspace('chestxray_mlp'), 'additional_files'),
    output_path: predictions,
  });
  const results = join(folder, 'results', 'results.yaml');
  await runAsToday(await configOf('chestxray_metrics'), 'evaluate', {
    predictions,
    labels: join(folder, 'labels'),
    parameters_file: join(workspace('chestxray_metrics'), 'parameters.yaml'),
    output_path: results,
  });
  expect(parse(await readFile(results, 'utf8'))).toEqual(await stack.results(candidate.results));
});
