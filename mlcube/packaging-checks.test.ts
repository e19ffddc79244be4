import { cubeType } from './cube-type';
import { parseManifest } from './manifest';
import { checkForPackaging } from './packaging-checks';

const WHOLE = { hasParameters: true, additionalFiles: ['weights.json'] };

function check(yaml: string, files = WHOLE): string[] {
  const { manifest } = parseManifest(yaml);
  return checkForPackaging(manifest, cubeType(manifest), files, null).map(
    ({ line, message }) => `${line ?? '-'}:${message}`,
  );
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
      '3:infer has no input data_path',
      '6:infer has the output "extra"; MedPerf allows output_path',
      '5:parameters_file of infer is "other.yaml", not parameters.yaml',
      '5:the extra input weights of infer, "weights.json", is not below additional_files/',
      '5:the extra input more of infer, "additional_files/../x", is not below additional_files/',
      '5:workspace/additional_files/lost is not in the cube',
    ]);
  });

  it('misses the parameters file that is declared', () => {
    const found = check(model('data_path: d/, parameters_file: parameters.yaml'), {
      hasParameters: false,
      additionalFiles: [],
    });
    expect(found).toEqual(['5:workspace/parameters.yaml is not in the cube']);
  });

  it('refuses two images, and none', () => {
    const tasks =
      'tasks: {evaluate: {parameters: {inputs: {predictions: p/, labels: l/}, outputs: {output_path: {type: file, default: r.yaml}}}}}';
    const nothing = { hasParameters: false, additionalFiles: [] };
    expect(check(`docker: {image: x}\nsingularity: {image: y}\n${tasks}`, nothing)).toEqual([
      '2:docker.image and singularity.image are both given, which is ambiguous',
    ]);
    expect(check(tasks, nothing).join()).toContain('image');
  });

  it('cannot tell the type of a cube with no marking task, or two', () => {
    expect(check('docker: {image: x}\ntasks: {train: {}}').join()).toContain('do not tell the type of the cube');
    expect(cubeType(parseManifest('tasks: {infer: {parameters: {}}, evaluate: {parameters: {}}}').manifest)).toBeNull();
  });

  it('wants all three tasks of a data preparator', () => {
    const { manifest } = parseManifest('docker: {image: x}\ntasks: {prepare: {parameters: {}}}');
    const found = checkForPackaging(manifest, 'data-preparator', WHOLE, null).map(({ message }) => message);
    for (const task of ['sanity_check', 'statistics']) expect(found.join()).toContain(task);
    expect(found.join()).toContain('report_file');
  });
});
