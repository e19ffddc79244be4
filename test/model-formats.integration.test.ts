import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { create } from 'tar';
import { stringify } from 'yaml';
import type { MedperfClient } from '../client';
import type { CubeRef, TestRunInput, TestRunResult } from '../contract';
import { toMedperfHash } from '../contract';
import { demoDataArchive } from '../devstack/demo-data';
import { EmbeddedStack, EXAMPLE_CUBES } from './embedded-stack';
import { ensureNodeImage } from './node-image';

let stack: EmbeddedStack;
let owner: MedperfClient;
let demo: Pick<TestRunInput, 'demoDatasetUrl' | 'demoDatasetHash'>;

beforeAll(async () => {
  stack = await EmbeddedStack.start();
  owner = await stack.clientOf('modelOwner');
  const { digest } = await stack.store.putBytes(await demoDataArchive());
  demo = { demoDatasetUrl: `${stack.files.url}/demo.tar.gz`, demoDatasetHash: toMedperfHash(digest) };
});

afterAll(() => stack.stop());

async function test(cubes: Pick<TestRunInput, 'model' | 'dataPreparator' | 'evaluator'>): Promise<TestRunResult> {
  return (await owner.startTestRun({ ...demo, ...cubes })).result();
}

/** An example's folder without one of the two files that describe it. */
async function exampleWithout(file: string, name: string): Promise<CubeRef> {
  const folder = join(stack.home, `without-${file}`, name);
  await cp(join(EXAMPLE_CUBES, name, 'mlcube'), folder, { recursive: true });
  await rm(join(folder, file));
  return owner.ingestCube(folder, name);
}

const volume = (path: string, type = 'directory') => ({ mount_path: `/v/${path}`, type });

/** A cube of scripts in the node image, by task. */
async function scripted(
  name: string,
  tasks: Readonly<Record<string, { script: string; reads: Readonly<Record<string, object>>; writes: object }>>,
): Promise<CubeRef> {
  const folder = join(stack.home, name);
  await mkdir(join(folder, 'workspace'), { recursive: true });
  await writeFile(join(folder, 'workspace', 'parameters.yaml'), 'answer: 42\n');
  const image = (await ensureNodeImage(stack.docker)).reference;
  const config = {
    container_type: 'DockerImage',
    image,
    tasks: Object.fromEntries(
      Object.entries(tasks).map(([task, { script, reads, writes }]) => [
        task,
        {
          run_args: { entrypoint: '/bin/node', command: ['-e', `const fs = require('node:fs'); ${script}`] },
          input_volumes: reads,
          output_volumes: writes,
        },
      ]),
    ),
  };
  await writeFile(join(folder, 'container_config.yaml'), stringify(config));
  return owner.ingestCube(folder, name);
}

it('gives the same results in either form', async () => {
  const inForm = async (other: string): Promise<unknown> => {
    const [dataPreparator, model, evaluator] = await Promise.all(
      ['chestxray_prep', 'chestxray_mlp', 'chestxray_metrics'].map((name) => exampleWithout(other, name)),
    );
    const { candidate } = await test({ dataPreparator: dataPreparator!, model: model!, evaluator: evaluator! });
    return stack.results(candidate.results);
  };
  const results = await inForm('container_config.yaml');
  expect(results).toMatchObject({ AUC: expect.anything() as unknown });
  expect(await inForm('mlcube.yaml')).toEqual(results);
});

it('hands what prepare says of its data on, and mounts single files by themselves', async () => {
  const copy = `fs.writeFileSync('/v/statistics.yaml', fs.readFileSync('/v/metadata/m'))`;
  const prepared = {
    data_path: volume('data'),
    labels_path: volume('labels'),
    metadata_path: volume('metadata'),
  };
  const dataPreparator = await scripted('preparator', {
    prepare: {
      script: `for (const place of ['data', 'labels', 'metadata']) fs.writeFileSync('/v/' + place + '/m', 'a: 1');
        fs.writeFileSync('/v/report.yaml', 'done: 1');`,
      reads: { data_path: volume('raw') },
      writes: {
        output_path: volume('data'),
        output_labels_path: volume('labels'),
        metadata_path: volume('metadata'),
        report_file: volume('report.yaml', 'file'),
      },
    },
    sanity_check: { script: `fs.accessSync('/v/metadata/m')`, reads: prepared, writes: {} },
    statistics: { script: copy, reads: prepared, writes: { output_path: volume('statistics.yaml', 'file') } },
  });
  const model = await scripted('model', {
    infer: {
      script: `fs.copyFileSync('/v/p.yaml', '/v/out/answer')`,
      reads: { data_path: volume('data'), parameters_file: volume('p.yaml', 'file') },
      writes: { output_path: volume('out') },
    },
  });
  const evaluator = await scripted('evaluator', {
    evaluate: {
      script: `fs.writeFileSync('/v/results.yaml', fs.readFileSync('/v/predictions/answer'))`,
      reads: { predictions: volume('predictions'), labels: volume('labels') },
      writes: { output_path: volume('results.yaml', 'file') },
    },
  });
  const { candidate } = await test({ dataPreparator, model, evaluator });
  expect(await stack.results(candidate.results)).toEqual({ answer: 42 });
});

it('hands on what an archive of prepared data says of it', async () => {
  const folder = join(stack.home, 'prepared');
  for (const place of ['data', 'labels', 'metadata']) {
    await mkdir(join(folder, place), { recursive: true });
    await writeFile(join(folder, place, 'm'), 'a: 1');
  }
  const paths = { data_path: 'data', labels_path: 'labels', metadata_path: 'metadata' };
  await writeFile(join(folder, 'paths.yaml'), stringify(paths));
  await create({ cwd: folder, file: join(stack.home, 'prepared.tar') }, ['.']);
  const { digest } = await stack.store.putFile(join(stack.home, 'prepared.tar'));
  const reads = { data_path: volume('data'), labels_path: volume('labels'), metadata_path: volume('metadata') };
  const dataPreparator = await scripted('checks', {
    prepare: { script: '', reads: { data_path: volume('raw') }, writes: { output_path: volume('data') } },
    sanity_check: { script: `fs.accessSync('/v/metadata/m')`, reads, writes: {} },
    statistics: {
      script: `fs.copyFileSync('/v/metadata/m', '/v/statistics.yaml')`,
      reads,
      writes: { output_path: volume('statistics.yaml', 'file') },
    },
  });
  const copies = (from: string, to: string): string => `fs.copyFileSync('/v/${from}', '/v/${to}')`;
  const model = await scripted('copies', {
    infer: {
      script: copies('data/m', 'out/m'),
      reads: { data_path: volume('data') },
      writes: { output_path: volume('out') },
    },
  });
  const evaluator = await scripted('judges', {
    evaluate: {
      script: copies('predictions/m', 'results.yaml'),
      reads: { predictions: volume('predictions'), labels: volume('labels') },
      writes: { output_path: volume('results.yaml', 'file') },
    },
  });
  const { candidate } = await (
    await owner.startTestRun({
      demoDatasetUrl: `${stack.files.url}/prepared.tar`,
      demoDatasetHash: toMedperfHash(digest),
      skipDemoDataPreparation: true,
      dataPreparator,
      model,
      evaluator,
    })
  ).result();
  expect(await stack.results(candidate.results)).toEqual({ a: 1 });
});

it('refuses a result file that was touched and not written, as MedPerf does', async () => {
  const cube = async (name: string): Promise<CubeRef> => exampleWithout('mlcube.yaml', name);
  const evaluator = await scripted('silent', {
    evaluate: {
      script: '',
      reads: { predictions: volume('predictions') },
      writes: { output_path: volume('results.yaml', 'file') },
    },
  });
  const run = test({ dataPreparator: await cube('chestxray_prep'), model: await cube('chestxray_mlp'), evaluator });
  await expect(run).rejects.toMatchObject({
    cause: { cause: { type: 'IncompatibleModel', message: expect.stringContaining('an empty file') as string } },
  });
});
