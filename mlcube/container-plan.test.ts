import { requireContainerDefinition } from './container-definition';
import { planContainerTask } from './container-plan';

const PREPARATOR = requireContainerDefinition(`
container_type: DockerImage
image: a/b:1
tasks:
  prepare:
    run_args: { command: prepare all, entrypoint: /run, environment: { A: b }, gpus: 1, shm_size: 1m }
    input_volumes:
      data_path: { mount_path: /in/data, type: directory }
      labels_path: { mount_path: /in/labels, type: directory }
      parameters_file: { mount_path: /config/p.yaml, type: file }
      additional_files: { mount_path: /extra, type: directory }
    output_volumes:
      output_path: { mount_path: /out/data, type: directory }
      report_file: { mount_path: /out/report.yaml, type: file }
  sanity_check:
    input_volumes:
      data_path: { mount_path: /in/data, type: directory }
      metadata_path: { mount_path: /in/metadata, type: directory }
`);

it('mounts what is declared where it is wanted, and gives the command nothing of its own', () => {
  const plan = planContainerTask(PREPARATOR, 'prepare', new Set(['data_path', 'labels_path']));
  expect(plan).toEqual({
    task: 'prepare',
    entrypoint: ['/run'],
    command: ['prepare', 'all'],
    environment: { A: 'b' },
    shmBytes: 1024 ** 2,
    inputs: [
      { mount: '/in/data', source: { from: 'override', name: 'data_path' }, isFile: false },
      { mount: '/in/labels', source: { from: 'override', name: 'labels_path' }, isFile: false },
      { mount: '/config/p.yaml', source: { from: 'cube', path: 'workspace/parameters.yaml' }, isFile: true },
      { mount: '/extra', source: { from: 'cube', path: 'workspace/additional_files' }, isFile: false },
    ],
    outputs: { output_path: { mount: '/out/data' }, report_file: { mount: '/out/report.yaml', touched: true } },
    wantsGpu: true,
  });
});

it('does not mount what is given and not declared', () => {
  const given = new Set(['data_path', 'labels_path', 'metadata_path', 'report_file']);
  const plan = planContainerTask(PREPARATOR, 'sanity_check', given);
  expect(plan).toMatchObject({ entrypoint: null, command: [], outputs: {}, wantsGpu: false });
  expect(plan.inputs.map(({ mount }) => mount)).toEqual(['/in/data', '/in/metadata']);
});

it('names what is declared and not given, and a task that is not there', () => {
  expect(() => planContainerTask(PREPARATOR, 'sanity_check', new Set(['data_path']))).toThrow(
    'container_config.yaml:18: error: nothing gives sanity_check its "metadata_path"',
  );
  expect(() => planContainerTask(PREPARATOR, 'infer', new Set())).toThrow(
    /has no task infer\.[^]*prepare, sanity_check/,
  );
});
