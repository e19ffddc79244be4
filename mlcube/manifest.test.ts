import fc from 'fast-check';
import { parseManifest, requireManifest } from './manifest';

const MODEL = `name: chest
docker:
  image: org/chest:1
tasks:
  infer:
    parameters:
      inputs:
        data_path: data/
        parameters_file: parameters.yaml
        weights: {type: file, default: additional_files/weights}
      outputs:
        output_path: {type: directory, default: predictions}
`;

function findings(text: string): string[] {
  return parseManifest(text).findings.map(({ severity, line, message }) => `${severity}:${line ?? '-'}:${message}`);
}

describe('parseManifest', () => {
  it('reads what decides how tasks run', () => {
    const { manifest, findings: complaints } = parseManifest(MODEL);
    expect(complaints).toEqual([]);
    expect(manifest).toMatchObject({ name: 'chest', docker: { image: 'org/chest:1' } });
    expect(manifest.tasks['infer']?.inputs.map(({ name, type, default: path }) => [name, type, path])).toEqual([
      ['data_path', 'directory', 'data/'],
      ['parameters_file', 'unknown', 'parameters.yaml'],
      ['weights', 'file', 'additional_files/weights'],
    ]);
  });

  it('takes the name as path where there is no default', () => {
    const { manifest } = parseManifest('tasks: {t: {parameters: {inputs: {a: {type: directory}, b: null}}}}');
    expect(manifest.tasks['t']?.inputs.map((input) => input.default)).toEqual(['a', 'b']);
  });

  it('replaces references to values of the same file', () => {
    const { manifest } = parseManifest('v: 3\ndocker: {image: "org/chest:${v}"}\ntasks: {}');
    expect(manifest.docker?.image).toBe('org/chest:3');
  });

  it('reports every finding at once, each with its line', () => {
    const text =
      'docker:\n  image: x\n  volumes: /:/host\ntasks:\n  infer:\n    parameters:\n      outputs:\n        output_path: out\n';
    expect(findings(text)).toEqual(['error:3:docker has the unknown key "volumes"']);
  });

  it.each([
    ['a: [1', 'the file is not YAML'],
    ['a: 1\na: 2\ntasks: {}', 'is there already'],
    ['- 1', 'no mapping'],
    ['', 'no mapping'],
    ['docker: {image: "${nowhere}"}\ntasks: {}', 'names no plain value'],
  ])('complains of %j', (text, message) => {
    expect(findings(text).join()).toContain(message);
    expect(() => requireManifest(text)).toThrow(message);
  });

  it.each([
    [
      'an alias bomb',
      `a: &a [1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ndocker: {image: x, env_args: {A: *d}}\ntasks: {}`,
    ],
    ['a list where a text belongs', 'docker: {image: x, cpu_args: [--privileged]}\ntasks: {}'],
  ])('complains of %s instead of throwing', (_name, text) => {
    expect(parseManifest(text).findings.some(({ severity }) => severity === 'error')).toBe(true);
  });

  it('never throws, whatever the text', () => {
    fc.assert(fc.property(fc.string({ maxLength: 200 }), (text) => void parseManifest(text)));
    fc.assert(fc.property(fc.jsonValue(), (value) => void parseManifest(JSON.stringify(value))));
  });
});

describe('docker arguments', () => {
  function read(args: string) {
    return parseManifest(`docker:\n  image: x\n  cpu_args: ${JSON.stringify(args)}\ntasks: {}\n`);
  }

  it('ignores harmless ones with a warning', () => {
    const { findings: complaints } = read('-u $(id -u):$(id -g) --rm --network=none -u1000');
    expect(complaints.map(({ severity }) => severity)).toEqual(['warning', 'warning', 'warning', 'warning']);
  });

  it('honours environment and shared memory, and keeps a wish for GPUs', () => {
    const { manifest, findings: complaints } = read('-e A="b c" --env=D=e --shm-size 12g --gpus all');
    expect(manifest.docker?.arguments).toEqual({
      environment: { A: 'b c', D: 'e' },
      shmBytes: 12 * 1024 ** 3,
      wantsGpu: true,
    });
    expect(complaints.map(({ severity }) => severity)).toEqual(['warning']);
  });

  it.each([
    '--privileged',
    '-v /:/host',
    '--network host',
    '--device /dev/kmsg',
    '--cap-add=ALL',
    '-e LD_PRELOAD=x',
    '-e PATH',
    '--runtime other',
    '--shm-size huge',
    '"unclosed',
    'constructor',
    '__proto__',
    '-e A=$HOME',
    '-u',
    '--shm-size 0',
  ])('refuses %s by name and line', (args) => {
    const errors = read(args).findings.filter(({ severity }) => severity === 'error');
    expect(errors).toHaveLength(1);
    expect(errors[0]?.line).toBe(3);
  });

  it('lets nothing pass that is not on the list', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^--?[a-z][a-z-]{0,12}$/), (option) => {
        const allowed = [
          '-u',
          '-e',
          '--user',
          '--env',
          '--rm',
          '--net',
          '--network',
          '--gpus',
          '--runtime',
          '--shm-size',
        ];
        fc.pre(!allowed.includes(option));
        expect(read(`${option} x`).findings.some(({ severity }) => severity === 'error')).toBe(true);
      }),
    );
  });
});
