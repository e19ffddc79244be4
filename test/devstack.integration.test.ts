import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import Docker from 'dockerode';
import { parse } from 'yaml';
import { demoDataFiles, DEMO_LABELS } from '../devstack/demo-data';
import { buildDemoImages } from '../devstack/images/demo-images';

const run = promisify(execFile);
const CUBES = join(__dirname, '..', 'examples', 'cubes');

interface Results {
  readonly AUC: Readonly<Record<string, number>>;
  readonly F1: Readonly<Record<string, number>>;
  readonly Accuracy: number;
}

describe('the demo benchmark on a real Docker', () => {
  const docker = new Docker();
  let root: string;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'medperf-demo-'));
    for (const { path, content } of demoDataFiles()) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), content as Buffer);
    }
    await buildDemoImages({ docker });
    await prepare();
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  it('gives its images the same ids every time, and then loads nothing', async () => {
    const first = await buildDemoImages({ docker });
    const load = jest.spyOn(docker, 'loadImage');
    expect(await buildDemoImages({ docker })).toEqual(first);
    expect(load).not.toHaveBeenCalled();
  });

  it('has two models that find the signal, each in its own way', async () => {
    const [reference, candidate] = [await resultsOf('chestxray_cnn'), await resultsOf('chestxray_mlp')];
    for (const { AUC, F1 } of [reference, candidate]) {
      for (const label of DEMO_LABELS) expect(AUC[label]).toBeGreaterThan(0.6);
      for (const label of DEMO_LABELS) expect(F1[label]).toBeGreaterThan(0.5);
    }
    expect(candidate).not.toEqual(reference);
  });

  it('has a cube whose crash tells its exit code and message', async () => {
    const failure = await infer('failing/crash', 'temporal-medperf/chestxray-failing:1').catch(
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ code: 3, stderr: expect.stringContaining('cannot work without a GPU') });
  });

  it('has a cube whose predictions the metrics refuse by image, expected and found', async () => {
    await infer('failing/wrong-output-shape', 'temporal-medperf/chestxray-failing:1');
    const failure = await evaluate('failing/wrong-output-shape').catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(
        'image patient0001: expected 4 numbers (Atelectasis, Cardiomegaly, Consolidation, Edema), found [0.5]',
      ),
    });
  });

  async function prepare(): Promise<void> {
    for (const folder of ['images', 'labels', 'report'])
      await mkdir(join(root, 'prepared', folder), { recursive: true });
    const parameters = parametersOf('chestxray_prep');
    const mounts = { data: 'demo_data/images', labels: 'demo_data/labels', out: 'prepared' };
    const outputs = [
      '--output_path=/out/images',
      '--output_labels_path=/out/labels',
      '--report_file=/out/report/report.yaml',
    ];
    const prep = 'temporal-medperf/chestxray-prep:1';
    await container(prep, { ...mounts, ...parameters }, [
      'prepare',
      '--data_path=/data',
      '--labels_path=/labels',
      PARAMETERS,
      ...outputs,
    ]);
    const prepared = ['--data_path=/prepared/images', '--labels_path=/prepared/labels', PARAMETERS];
    const given = { prepared: 'prepared', ...parameters };
    await container(prep, given, ['sanity_check', ...prepared, '--report_file=/prepared/report/report.yaml']);
    await container(prep, { ...given, out: 'prepared/report' }, [
      'statistics',
      ...prepared,
      '--output_path=/out/statistics.yaml',
    ]);
  }

  async function resultsOf(cube: string): Promise<Results> {
    await infer(cube, 'temporal-medperf/chestxray-model:1', ['--weights=/workspace/additional_files/weights.json']);
    await evaluate(cube);
    return parse(await readFile(join(root, 'results', cube, 'results.yaml'), 'utf8')) as Results;
  }

  async function infer(cube: string, image: string, weights: string[] = []): Promise<void> {
    const mounts = { data: 'prepared/images', out: `predictions/${cube}`, ...parametersOf(cube) };
    await container(image, mounts, ['infer', '--data_path=/data', PARAMETERS, ...weights, '--output_path=/out']);
  }

  async function evaluate(cube: string): Promise<void> {
    const mounts = {
      predictions: `predictions/${cube}`,
      labels: 'prepared/labels',
      out: `results/${cube}`,
      ...parametersOf('chestxray_metrics'),
    };
    const args = ['--predictions=/predictions', '--labels=/labels', PARAMETERS, '--output_path=/out/results.yaml'];
    await container('temporal-medperf/chestxray-metrics:1', mounts, ['evaluate', ...args]);
  }

  /** `docker run` as the reference runner does it; folders are relative to the test's own, and only `out` is writable. */
  async function container(image: string, mounts: Readonly<Record<string, string>>, command: string[]): Promise<void> {
    const volumes: string[] = [];
    for (const [target, folder] of Object.entries(mounts)) {
      const source = folder.startsWith('/') ? folder : join(root, folder);
      await mkdir(source, { recursive: true });
      volumes.push('--volume', `${source}:/${target}:${target === 'out' ? 'rw' : 'ro'}`);
    }
    await run('docker', ['run', '--rm', '--read-only', '--network', 'none', ...volumes, image, ...command]);
  }
});

const PARAMETERS = '--parameters_file=/workspace/parameters.yaml';

function parametersOf(cube: string): { workspace: string } {
  return { workspace: join(CUBES, cube, 'mlcube', 'workspace') };
}
