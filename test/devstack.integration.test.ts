import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import Docker from 'dockerode';
import { parse } from 'yaml';
import { DEMO_LABELS } from '../devstack/demo-data';
import { readDevStack, startDevStack } from '../devstack/dev-stack';
import type { StackRecord } from '../devstack/dev-stack';
import { buildDemoImages } from '../devstack/images/demo-images';
import { TUTORIAL_PASSWORD } from '../devstack/registry';
import { writeDemoData } from '../devstack/tutorial-files';
import { signInByPassword } from '../registry';
import { authorizationOf } from '../registry/credentials';

const run = promisify(execFile);
/** Docker and a Temporal server are started; seconds on a busy machine. */
jest.setTimeout(120_000);

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
    await writeDemoData(root);
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
    const failed = await failureOf(infer('failing/crash', 'temporal-medperf/chestxray-failing:1'));
    expect(failed.code).toBe(3);
    expect(failed.stderr).toContain('cannot work without a GPU');
  });

  it('has a cube whose predictions the metrics refuse by image, expected and found', async () => {
    await infer('failing/wrong-output-shape', 'temporal-medperf/chestxray-failing:1');
    const failed = await failureOf(evaluate('failing/wrong-output-shape'));
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain('image patient0001: expected 4 numbers');
    expect(failed.stderr).toContain('found [0.5]');
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

describe('the dev stack', () => {
  let stateDirectory: string;
  const log = (): void => undefined;

  beforeAll(async () => {
    stateDirectory = await mkdtemp(join(tmpdir(), 'medperf-dev-stack-'));
  });
  afterAll(() => rm(stateDirectory, { recursive: true, force: true }));

  it('is seeded like the tutorial, hosts what is registered, and keeps all of it over a restart', async () => {
    const first = await startDevStack({ stateDirectory, log });
    const before = await cubesOf(first.record).finally(() => first.close());
    expect(before.map(({ id, name }) => [id, name])).toEqual([
      [1, 'chestxray_prep'],
      [2, 'chestxray_cnn'],
      [3, 'chestxray_metrics'],
    ]);
    expect(await readDevStack(stateDirectory)).toBeNull();

    const second = await startDevStack({ stateDirectory, log });
    try {
      expect(second.record.files).toEqual(first.record.files);
      expect(second.record.temporal.address).toBe(first.record.temporal.address);
      expect(await cubesOf(second.record)).toEqual(before);
      expect(await readDevStack(stateDirectory)).toEqual(second.record);
      for (const cube of before) {
        expect(await hashAt(cube.git_mlcube_url)).toBe(cube.mlcube_hash);
        expect(await hashAt(cube.git_parameters_url)).toBe(cube.parameters_hash);
      }
      const model = before.find(({ name }) => name === 'chestxray_cnn');
      expect(await hashAt(model?.additional_files_tarball_url ?? '')).toBe(model?.additional_files_tarball_hash);
    } finally {
      await second.close();
    }
  });

  it('keeps the dialect of its registry', async () => {
    await expect(startDevStack({ stateDirectory, dialect: 'E25', log })).rejects.toMatchObject({
      type: 'InvalidRequest',
      facts: { expected: 'E23', found: 'E25' },
    });
  });

  it('does not run twice on one state folder', async () => {
    const stack = await startDevStack({ stateDirectory, log });
    try {
      await expect(startDevStack({ stateDirectory, log })).rejects.toThrow('another dev stack runs on it');
      expect(await readDevStack(stateDirectory)).toEqual(stack.record);
    } finally {
      await stack.close();
    }
  });
});

/** How `docker run` ended, which has to be badly. */
async function failureOf(running: Promise<void>): Promise<{ code: number; stderr: string }> {
  const failure: unknown = await running.then(
    () => new Error('it ended well'),
    (error: unknown) => error,
  );
  return failure as { code: number; stderr: string };
}

interface CubeOfServer {
  readonly id: number;
  readonly name: string;
  readonly git_mlcube_url: string;
  readonly mlcube_hash: string;
  readonly git_parameters_url: string;
  readonly parameters_hash: string;
  readonly additional_files_tarball_url: string;
  readonly additional_files_tarball_hash: string;
}

async function cubesOf({ registry }: StackRecord): Promise<readonly CubeOfServer[]> {
  const user = { username: 'testmodelowner', password: TUTORIAL_PASSWORD };
  const { credentials } = await signInByPassword({ server: registry.url }, user);
  const headers = { authorization: authorizationOf(credentials) };
  const { results } = (await (await fetch(`${registry.url}/api/v0/mlcubes/`, { headers })).json()) as {
    results: CubeOfServer[];
  };
  return results.sort((one, other) => one.id - other.id);
}

/** As a server of the tutorial's time records it. */
async function hashAt(url: string): Promise<string> {
  const bytes = Buffer.from(await (await fetch(url)).arrayBuffer());
  return createHash('sha1').update(bytes).digest('hex');
}

const PARAMETERS = '--parameters_file=/workspace/parameters.yaml';

function parametersOf(cube: string): { workspace: string } {
  return { workspace: join(CUBES, cube, 'mlcube', 'workspace') };
}
