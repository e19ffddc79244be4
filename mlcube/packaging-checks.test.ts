import { cubeType } from './cube-type';
import { parseManifest } from './manifest';
import { checkForPackaging } from './packaging-checks';

const WHOLE = { hasParameters: true, additionalFiles: ['weights.json'] };

function check(yaml: string, files = WHOLE): string[] {
  const { manifest } = parseManifest(yaml);
  return checkForPackaging(manifest, cubeType(manifest), files).map(({ line, message }) => `${line ?? '-'}:${message}`);
}

const model = (inputs: string, outputs = 'output_path: predictions/'): string => `docker: {image: x}
tasks:
  infer:
    parameters:
      inputs: {${inputs}}
      outputs: {${outputs}}
`;

describe('checkForPackaging', () => {
  it('accepts a whole model', () => {
    expect(
      check(model('data_path: d/, parameters_file: parameters.yaml, weights: additional_files/weights.json')),
    ).toEqual([]);
  });

  it('reports every finding at once', () => {
    const inputs =
      'parameters_file: other.yaml, weights: weights.json, more: additional_files/../x, lost: additional_files/lost';
    expect(check(model(inputs, 'output_path: o/, extra: e/'))).toEqual([
      '3:infer lacks the input data_path',
      '6:infer has the output extra, which MedPerf does not know',
      '5:infer.parameters_file is other.yaml',
      '5:infer.weights is weights.json, outside additional_files/',
      '5:infer.more is additional_files/../x, outside additional_files/',
      '5:workspace/additional_files/lost is absent',
    ]);
  });

  it('misses the parameters file that is declared', () => {
    const found = check(model('data_path: d/, parameters_file: parameters.yaml'), { ...WHOLE, hasParameters: false });
    expect(found).toEqual(['5:workspace/parameters.yaml is absent']);
  });

  it('refuses two images, and none', () => {
    const tasks =
      'tasks: {evaluate: {parameters: {inputs: {predictions: p/, labels: l/}, outputs: {output_path: r.yaml}}}}';
    expect(check(`docker: {image: x}\nsingularity: {image: y}\n${tasks}`)).toEqual([
      '-:both docker.image and singularity.image are given',
    ]);
    expect(check(tasks)).toEqual(['-:no Docker image is given']);
  });

  it('cannot tell the type of a cube with no marking task, or two', () => {
    expect(check('docker: {image: x}\ntasks: {train: {}}').join()).toContain(
      'no data preparator, model or metrics cube',
    );
    expect(cubeType(parseManifest('tasks: {infer: {parameters: {}}, evaluate: {parameters: {}}}').manifest)).toBeNull();
  });

  it('wants all three tasks of a data preparator', () => {
    const found = check('docker: {image: x}\ntasks: {prepare: {parameters: {}}}');
    expect(found).toContain('-:a data-preparator needs the task sanity_check');
    expect(found).toContain('-:a data-preparator needs the task statistics');
    expect(found).toContain('2:prepare lacks the output report_file');
  });
});
