import { acceptedFormats, judgeWrittenCube, keepsParameters } from './written-cube';
import type { WrittenCube } from './written-cube';

const FILES = { hasParameters: false, additionalFiles: [] };
const MANIFEST = `docker: {image: 'a/b:1'}
tasks:
  infer:
    parameters:
      inputs: {data_path: data/}
      outputs: {output_path: predictions/}
  train: {}
`;

const CONFIG = `container_type: DockerImage
image: a/b:1
tasks:
  infer:
    input_volumes:
      data_path: {mount_path: /data, type: directory}
      parameters_file: {mount_path: /p.yaml, type: file}
    output_volumes:
      output_path: {mount_path: /out, type: directory}
`;

function judged(text: string, wanted: WrittenCube['wanted'], more: Partial<WrittenCube> = {}): string[] {
  const cube = { format: 'mlcube', wanted, text, parameters: null, files: FILES, ...more } as const;
  const { findings } = judgeWrittenCube(cube);
  return findings.map(({ severity, file, line, message }) => `${file}:${line ?? '-'}: ${severity}: ${message}`);
}

it('takes what a server takes, and an mlcube where nobody says which server', () => {
  expect(acceptedFormats('mlcube')).toEqual(['mlcube']);
  expect(acceptedFormats('container')).toEqual(['container', 'mlcube']);
  expect(acceptedFormats(null)).toEqual(['mlcube', 'container']);
});

it("says of an mlcube what today's MedPerf would not take over, where it is for one of its servers", () => {
  expect(judged(MANIFEST, null)).toEqual([]);
  expect(judged(MANIFEST, 'container')).toEqual([
    'mlcube.yaml:7: warning: the task train is left out: MedPerf does not run it',
  ]);
  const preparator = `docker: {image: 'a/b:1'}
tasks:
  prepare:
    parameters:
      inputs: {data_path: d/, labels_path: l/}
      outputs: {output_path: o/, output_labels_path: p/, report_file: {type: file, default: r.yaml}}
  sanity_check: {parameters: {inputs: {data_path: d/, labels_path: l/, report_file: {type: file, default: r.yaml}}}}
  statistics:
    parameters:
      inputs: {data_path: d/, labels_path: l/}
      outputs: {output_path: {type: file, default: s.yaml}}
`;
  expect(judged(preparator, 'mlcube')).toEqual([]);
  expect(judged(preparator, 'container')).toEqual([
    'mlcube.yaml:7: error: today\'s MedPerf gives sanity_check no "report_file"',
  ]);
  const without = preparator.replace('l/, report_file: {type: file, default: r.yaml}}', 'l/}');
  expect(judged(without, 'container')).toEqual([]);
  expect(judged(without, 'mlcube')).toEqual(['mlcube.yaml:7: error: sanity_check has no input report_file']);
  const noPath = preparator.replace(
    '{data_path: d/, labels_path: l/}\n',
    '{data_path: d/, labels_path: l/, more: x}\n',
  );
  expect(judged(noPath, 'container')).toEqual([
    'mlcube.yaml:5: error: the extra input more of prepare, "x", is not below additional_files/',
    'mlcube.yaml:7: error: today\'s MedPerf gives sanity_check no "report_file"',
  ]);
});

it('tells once what the manifest itself lacks', () => {
  const imageless = MANIFEST.replace(/docker.*\n/, '');
  expect(judged(imageless, 'container')).toEqual([
    'mlcube.yaml:-: error: docker.image is missing',
    'mlcube.yaml:6: warning: the task train is left out: MedPerf does not run it',
  ]);
});

describe("what today's server keeps", () => {
  const files = { hasParameters: true, additionalFiles: [] };
  const container = (text: string, parameters: string) =>
    judged(text, null, { format: 'container', parameters, files });

  it('is the parameters of a cube that is or becomes one of a container_config', () => {
    const kept = [
      ['container', null],
      ['container', 'container'],
      ['mlcube', 'container'],
    ] as const;
    for (const [format, wanted] of kept) expect(keepsParameters({ format, wanted })).toBe(true);
    for (const wanted of ['mlcube', null] as const) expect(keepsParameters({ format: 'mlcube', wanted })).toBe(false);
  });

  it.each([
    ['- 1', 'holds a list'],
    ['12', 'holds a single value'],
    ['', 'is empty'],
    ['# nothing yet', 'is empty'],
  ])('is no file with %j', (text, found) => {
    const complaint = `:1: error: the file ${found}, and no mapping of keys to values`;
    expect(container(CONFIG, text)).toEqual([`parameters.yaml${complaint}`]);
    expect(container(text, 'a: 1')).toEqual([`container_config.yaml${complaint}`]);
    const reading = MANIFEST.replace('data/', 'data/, parameters_file: parameters.yaml').replace(/ {2}train.*\n/, '');
    expect(judged(reading, 'container', { parameters: text, files })).toEqual([`parameters.yaml${complaint}`]);
  });

  it('is told with everything else that is wrong, by the lines of its file', () => {
    expect(container(CONFIG.replace('a/b:1', '""'), 'a: 1\nb: yes')).toEqual([
      'container_config.yaml:2: error: image is missing',
      'parameters.yaml:2: error: the value "yes" is one thing to YAML 1.1, which MedPerf reads, and another to 1.2',
    ]);
    expect(container(`${CONFIG}on: 1\n`, '{}')).toEqual([
      'container_config.yaml:10: error: the key "on" is one thing to YAML 1.1, which MedPerf reads, and another to 1.2',
    ]);
  });

  it('is not what no task reads', () => {
    const config = CONFIG.replace(/ *parameters_file.*\n/, '');
    expect(container(config, '- 1')).toEqual([
      'container_config.yaml:-: warning: workspace/parameters.yaml is there, and no task reads it',
    ]);
  });
});
