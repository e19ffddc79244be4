import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { toContainerConfig } from './container-config';
import { parseContainerDefinition, requireContainerDefinition } from './container-definition';
import { cubeType } from './cube-type';
import { requireManifest } from './manifest';

const EXAMPLES = join(__dirname, '..', 'examples', 'cubes');
const CUBES = ['chestxray_prep', 'chestxray_cnn', 'chestxray_mlp', 'chestxray_metrics'];

const MODEL = `
container_type: DockerImage
image: a/b:1
tasks:
  infer:
    run_args:
      command: python3 run.py "two words"
      entrypoint: sh
      environment: { MODE: fast, LEVEL: 2 }
      gpus: all
      shm_size: 2g
    input_volumes:
      data_path: { mount_path: /data, type: directory }
      parameters_file: { mount_path: /p.yaml, type: file }
    output_volumes:
      output_path: { mount_path: /out, type: directory }
`;

/** The model with a line replaced; the messages of what is wrong then, by their lines. */
function complaints(line: string, by: string): string[] {
  expect(MODEL).toContain(line);
  const { findings } = parseContainerDefinition(MODEL.replace(line, by));
  return findings.map((finding) => `${finding.line ?? '-'}: ${finding.severity}: ${finding.message}`);
}

const GPUS_WARNING = '10: warning: the Docker option --gpus in run_args of infer is ignored';

it('reads a task', () => {
  const definition = requireContainerDefinition(MODEL);
  expect(definition).toMatchObject({ kind: 'image', image: 'a/b:1' });
  expect(definition.tasks['infer']).toEqual({
    line: 5,
    entrypoint: 'sh',
    command: ['python3', 'run.py', 'two words'],
    arguments: { environment: { MODE: 'fast', LEVEL: '2' }, shmBytes: 2 * 1024 ** 3, wantsGpu: true },
    inputs: [
      { name: 'data_path', mountPath: '/data', type: 'directory', line: 13 },
      { name: 'parameters_file', mountPath: '/p.yaml', type: 'file', line: 14 },
    ],
    outputs: [{ name: 'output_path', mountPath: '/out', type: 'directory', line: 16 }],
  });
  expect(cubeType(definition)).toBe('model');
});

it('reads as little as MedPerf asks for', () => {
  const text = 'container_type: DockerArchive\nimage: direct:https://files.example/model.tar\ntasks: { infer: {} }\n';
  const { definition, findings } = parseContainerDefinition(text);
  expect(findings).toEqual([]);
  expect(definition).toMatchObject({ kind: 'archive', image: 'direct:https://files.example/model.tar' });
  expect(definition.tasks['infer']).toMatchObject({ entrypoint: null, command: [], inputs: [], outputs: [] });
});

it.each(CUBES)('reads the example %s', (cube) => {
  const text = readFileSync(join(EXAMPLES, cube, 'mlcube', 'container_config.yaml'), 'utf8');
  expect(parseContainerDefinition(text).findings).toEqual([]);
});

it.each(CUBES.slice(1))('reads what is made of the mlcube of %s', (cube) => {
  const text = readFileSync(join(EXAMPLES, cube, 'mlcube', 'mlcube.yaml'), 'utf8');
  const { findings } = parseContainerDefinition(stringify(toContainerConfig(requireManifest(text)).config));
  expect(findings).toEqual([]);
});

it.each([
  ['container_type: DockerImage', '', '-: error: container_type is missing'],
  ['image: a/b:1', '', '-: error: image is missing'],
  ['image: a/b:1', 'image:', '3: error: image is missing'],
  ['image: a/b:1', 'image: "a b"', '3: error: image "a b" names no image'],
  ['Image', 'Archive', '3: error: image: "a/b:1" is no URL'],
  [
    'DockerImage\nimage: a/b:1',
    'DockerArchive\nimage: synapse:syn1',
    '3: error: image: files of Synapse are not supported yet',
  ],
  ['DockerImage', 'EncryptedDockerArchive', '2: error: encrypted archives (EncryptedDockerArchive) are not run here'],
  ['DockerImage', 'SingularityFile', '2: error: images of Singularity (SingularityFile) are not run here'],
  [
    'DockerImage',
    'EncryptedSingularityFile',
    '2: error: encrypted images of Singularity (EncryptedSingularityFile) are not run here',
  ],
  ['DockerImage', 'Podman', '2: error: container_type is "Podman"'],
  ['gpus: all', 'ports: [80]', '10: error: run_args of infer has "ports"'],
  ['gpus: all', 'gpus: many', '10: error: gpus of infer is "many"'],
  ['gpus: all', 'gpus: [0, 1]', '10: error: gpus of infer is "a list or mapping"'],
  ['shm_size: 2g', 'shm_size: much', '11: error: the --shm-size "much" in run_args of infer is no size'],
  ['MODE: fast', 'PATH: /x', '9: error: the environment variable PATH in run_args of infer is reserved'],
  ['MODE: fast', 'MODE: true', '9: error: the environment variable "MODE" is no text'],
  ['python3 run.py "two', 'python3 "two words\' "', '7: error: the command of infer has a quote without an end'],
  ['python3 run.py "two words"', '[run, true]', '7: error: the command of infer is no text and no list of texts'],
  [
    'data_path:',
    'labels_path:',
    '13: error: MedPerf gives infer no "labels_path"; it knows data_path, parameters_file, additional_files',
  ],
  ['output_path:', 'report_file:', '16: error: MedPerf takes no "report_file" from infer; it knows output_path'],
  ['/data, type: directory', '/data', '13: error: type of tasks.infer.input_volumes.data_path is ""'],
  ['mount_path: /data, ', '', '13: error: mount_path of tasks.infer.input_volumes.data_path is missing'],
  [
    '/data, type: directory',
    '/data, type: folder',
    '13: error: type of tasks.infer.input_volumes.data_path is "folder"',
  ],
  [
    '/data, type: directory',
    '/data, type: file',
    '13: error: tasks.infer.input_volumes.data_path is a file, and MedPerf has a directory there',
  ],
  ['/p.yaml', 'p.yaml', '14: error: mount_path of tasks.infer.input_volumes.parameters_file is "p.yaml"'],
  ['/p.yaml', '/a/../p.yaml', '14: error: mount_path of tasks.infer.input_volumes.parameters_file is "/a/../p.yaml"'],
  ['/out', '/out/', '16: error: mount_path of tasks.infer.output_volumes.output_path is "/out/"'],
  ['/out', '/', '16: error: mount_path of tasks.infer.output_volumes.output_path is "/"'],
  ['/out', '/proc/x', '16: error: mount_path of tasks.infer.output_volumes.output_path is "/proc/x"'],
  ['/out', '/tmp', '16: error: mount_path of tasks.infer.output_volumes.output_path is "/tmp"'],
  [
    '/out',
    '/data',
    '16: error: "data_path" and "output_path" of infer are mounted at one place, or one inside the other',
  ],
  [
    '/out',
    '/data/out',
    '16: error: "data_path" and "output_path" of infer are mounted at one place, or one inside the other',
  ],
  ['container_type: DockerImage', '<<: {}', '2: error: merge keys (<<) are not supported'],
])('refuses %j turned into %j', (line, by, message) => {
  expect(complaints(line, by)).toContain(message);
});

it.each(['', '~', '0', '"0"', '""'])('takes gpus: %s for none', (gpus) => {
  expect(complaints('gpus: all', `gpus: ${gpus}`)).toEqual([]);
});

it.each(['2', '"2"', 'all', 'device=0,1'])('takes gpus: %s for a wish', (gpus) => {
  expect(complaints('gpus: all', `gpus: ${gpus}`)).toEqual([GPUS_WARNING]);
  expect(
    requireContainerDefinition(MODEL.replace('gpus: all', `gpus: ${gpus}`)).tasks['infer']?.arguments.wantsGpu,
  ).toBe(true);
});

it('tells every error at once, also of what is no YAML', () => {
  const text = MODEL.replace('DockerImage', 'Podman').replace('/out', 'out');
  expect(() => requireContainerDefinition(text)).toThrow(
    /The configuration container_config\.yaml cannot be used\.[^]*:2: error[^]*:16: error/,
  );
  expect(() => requireContainerDefinition('[')).toThrow(/:1: error: the file is not YAML/);
});
