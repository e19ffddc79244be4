import { withHyphens } from './command';
import { cubeLabel } from './cube-arguments';
import { requested } from './commands/associate';
import { submitInput } from './commands/mlcube-submit';
import { testRunInput } from './commands/test-run';
import type { TestRunOptions } from './commands/test-run';
import { createProgram } from './program';
import { renderRecord } from './record-view';
import { placesFrom } from './places';
import { cellText, table } from './tables';
import { WrongUse } from './wrong-use';

const READERS = {
  cube: (kind: 'cube' | 'model', argument: string) => Promise.resolve({ kind, uid: argument.length } as const),
  data: (folder: string) => Promise.resolve(`sha256:${folder}` as const),
};
const PLAIN: TestRunOptions = { cache: true, reference: true };

describe('withHyphens', () => {
  it("takes MedPerf's spellings as ours and leaves values alone", () => {
    expect(withHyphens(['--model_uid', 'a_b', '--data_path=my_data', '-m', 'x_y'])).toEqual([
      '--model-uid',
      'a_b',
      '--data-path=my_data',
      '-m',
      'x_y',
    ]);
  });
});

it('takes steps after --no-cache= and leaves a plain --no-cache alone', () => {
  expect(withHyphens(['--no_cache=infer_model', '--no-cache', 'folder'])).toEqual([
    '--rerun=infer_model',
    '--no-cache',
    'folder',
  ]);
});

describe('testRunInput', () => {
  it('takes all steps or those named', async () => {
    expect(await testRunInput({ ...PLAIN, rerun: ['infer'] }, READERS)).toEqual({ noCache: ['infer'] });
    expect(await testRunInput({ ...PLAIN, cache: false, rerun: ['infer'] }, READERS)).toEqual({ noCache: true });
  });

  it('says only what was given', async () => {
    expect(await testRunInput(PLAIN, READERS)).toEqual({});
  });

  it('maps every option', async () => {
    const options: TestRunOptions = {
      ...{ benchmark: 1, model: 'm', dataPreparation: 'pp', evaluator: 'eee', gpus: 2 },
      ...{ demoDatasetUrl: 'u', demoDatasetHash: 'h', dataPath: 'd', labelsPath: 'l' },
      ...{ cache: false, reference: false, offline: true, skipDemoDataPreparation: true },
    };
    expect(await testRunInput(options, READERS)).toEqual({
      ...{ benchmark: 1, gpus: 2, demoDatasetUrl: 'u', demoDatasetHash: 'h' },
      ...{ model: { kind: 'model', uid: 1 }, dataPreparator: { kind: 'cube', uid: 2 } },
      ...{ evaluator: { kind: 'cube', uid: 3 }, rawData: 'sha256:d', rawLabels: 'sha256:l' },
      ...{ noCache: true, noReference: true, offline: true, skipDemoDataPreparation: true },
    });
  });
});

describe('submitInput', () => {
  const kept = (file: string) => Promise.resolve(`sha256:${file}` as const);

  it('registers an operational cube unless asked otherwise', async () => {
    const options = { name: 'n', mlcubeFile: 'u' };
    const files = { format: 'mlcube', urls: { manifestUrl: 'u' }, hashes: {} };
    expect(await submitInput(options, kept)).toEqual({ name: 'n', files, operational: true });
    expect((await submitInput({ ...options, development: true }, kept)).operational).toBe(false);
  });

  it("keeps a container's configuration and parameters, and says only what was given", async () => {
    const options = { name: 'n', containerConfig: 'c' };
    const files = { format: 'container', config: 'sha256:c', parameters: null, additionalFiles: null };
    expect(await submitInput(options, kept)).toEqual({ name: 'n', files, operational: true });
    const more = { ...options, parametersFile: 'p', additionalFile: 'a', additionalHash: 'h', imageHash: 'i' };
    expect((await submitInput(more, kept)).files).toEqual({
      ...files,
      parameters: 'sha256:p',
      additionalFiles: { url: 'a', hash: 'h' },
      imageHash: 'i',
    });
  });

  it.each([
    {},
    { mlcubeFile: 'u', containerConfig: 'c' },
    { containerConfig: 'c', imageFile: 'i' },
    { containerConfig: 'c', mlcubeHash: 'h' },
  ])('refuses %j', async (options) => {
    await expect(submitInput({ name: 'n', ...options }, kept)).rejects.toThrow(WrongUse);
  });

  it("takes --image-hash as the archive's with --image-file, else as the image's id", async () => {
    const options = { name: 'n', mlcubeFile: 'u', imageHash: 'abc' };
    expect((await submitInput(options, kept)).files).toMatchObject({ hashes: { imageHash: 'abc' } });
    const withArchive = await submitInput({ ...options, imageFile: 'i' }, kept);
    expect(withArchive.files).toMatchObject({ hashes: { imageTarballHash: 'abc' } });
  });
});

it('does not confirm for the person without -y', () => {
  const options = { benchmark: 1, cache: true, reference: true };
  expect(requested(options)).toEqual({});
  expect(requested({ ...options, yes: true, again: true })).toEqual({ confirmed: true, again: true });
});

it.each([
  ['a/xrv_chex_densenet/mlcube/mlcube.yaml', 'xrv_chex_densenet'],
  ['a/xrv_chex_densenet/mlcube/', 'xrv_chex_densenet'],
  ['a/my_model', 'my_model'],
])('calls the cube at %s %s', (path, label) => {
  expect(cubeLabel(path)).toBe(label);
});

describe('the command line', () => {
  it.each([
    [['nonsense']],
    [['benchmark', 'ls', '--nonsense']],
    [['mlcube', 'associate', '--benchmark', '1']],
    [['mlcube', 'associate', '-b', 'one', '-m', '4']],
    [['mlcube', 'package', '.', '--type', 'toy']],
    [['test', 'run', '-b', '1', '--rerun=inferr']],
    [['onboard', '.', '-n', 'x', '-b', '1', '--rerun=infer,./model']],
    [['mlcube', 'associate', '-b', '1', '-m', '4', '--rerun=']],
  ])('refuses %j', async (args) => {
    const write = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
    try {
      await expect(createProgram().parseAsync(args, { from: 'user' })).rejects.toMatchObject({ exitCode: 1 });
    } finally {
      write.mockRestore();
    }
  });

  it('gives every command examples, a profile and --json', () => {
    const leaves = createProgram().commands.flatMap((command) =>
      command.commands.length > 0 ? command.commands : [command],
    );
    expect(leaves.length).toBeGreaterThan(20);
    for (const command of leaves) {
      expect(command.options.map(({ long }) => long)).toEqual(expect.arrayContaining(['--profile', '--json']));
    }
  });
});

it('aligns tables and writes truth as MedPerf does', () => {
  expect(cellText('\u001b[31mE\u001b]0;p\u0007\u202eX')).not.toMatch(/[\p{Cc}\u202e]/u);
  expect(table(['UID', 'Name', 'Registered'], [[1, 'a-long-name', true]])).toBe(
    'UID  Name         Registered\n1    a-long-name  True',
  );
});

it('shows records as YAML with sorted keys', () => {
  expect(renderRecord({ b: 1, a: [2] }, 'yaml')).toBe('a:\n  - 2\nb: 1\n');
});

it('puts everything below TEMPORAL_MEDPERF_HOME', () => {
  expect(placesFrom({ TEMPORAL_MEDPERF_HOME: '/h' })).toEqual({
    config: '/h/config',
    state: '/h/state',
    store: '/h/state/store',
    bucket: null,
    work: '/h/state/work',
  });
});

it('takes the store from a bucket, and keeps a cache of it below TEMPORAL_MEDPERF_HOME', () => {
  const home = { TEMPORAL_MEDPERF_HOME: '/h' };
  const inBucket = { ...home, TEMPORAL_MEDPERF_STORE: 's3://team-bucket/medperf/store/' };
  expect(placesFrom(inBucket)).toMatchObject({
    store: '/h/state/store-cache',
    bucket: { bucket: 'team-bucket', prefix: 'medperf/store' },
  });
  expect(placesFrom({ ...inBucket, AWS_ENDPOINT_URL: 'http://127.0.0.1:7070' }).bucket?.endpoint).toBe(
    'http://127.0.0.1:7070',
  );
  expect(placesFrom({ ...home, TEMPORAL_MEDPERF_STORE: 's3://only' }).bucket).toEqual({ bucket: 'only' });
  for (const address of ['s3://', 'gs://bucket', 'S3://bucket'])
    expect(() => placesFrom({ ...home, TEMPORAL_MEDPERF_STORE: address })).toThrow('names no place');
});

it('takes the store from TEMPORAL_MEDPERF_STORE, for hosts that share one', () => {
  const places = placesFrom({ TEMPORAL_MEDPERF_HOME: '/h', TEMPORAL_MEDPERF_STORE: '/shared' });
  expect([places.store, places.work]).toEqual(['/shared', '/h/state/work']);
});
