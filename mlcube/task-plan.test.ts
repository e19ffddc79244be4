import fc from 'fast-check';
import { MedperfError } from '../contract';
import type { Manifest } from './manifest';
import { requireManifest } from './manifest';
import { planTask } from './task-plan';

/** The worked example of the reference (mlcube.md, part 3). */
const EXAMPLE = requireManifest(`
docker: {image: x}
tasks:
  infer:
    parameters:
      inputs: {data_path: data/, parameters_file: parameters.yaml, weights: additional_files/weights.pt}
      outputs: {output_path: {type: directory, default: predictions}}
`);

interface Written {
  readonly name: string;
  readonly type: 'file' | 'directory';
  readonly default: string;
}

function manifestWith(inputs: Written[], outputs: Written[] = [], entrypoint?: string): Manifest {
  const described = (list: Written[]) =>
    Object.fromEntries(list.map(({ name, type, default: path }) => [name, { type, default: path }]));
  const parameters = { inputs: described(inputs), outputs: described(outputs) };
  const task = { parameters, ...(entrypoint === undefined ? {} : { entrypoint }) };
  return requireManifest(JSON.stringify({ docker: { image: 'x' }, tasks: { t: task } }));
}

describe('planTask', () => {
  it('mounts and calls as MLCube does', () => {
    const plan = planTask(EXAMPLE, 'infer', new Set());
    expect(plan.inputs).toEqual([
      { mount: '/mlcube_io0', source: { from: 'cube', path: 'workspace/data' } },
      { mount: '/mlcube_io1', source: { from: 'cube', path: 'workspace' } },
      { mount: '/mlcube_io2', source: { from: 'cube', path: 'workspace/additional_files' } },
    ]);
    expect(plan.outputs).toEqual({ output_path: { mount: '/mlcube_io3' } });
    expect(plan.command).toEqual([
      'infer',
      '--data_path=/mlcube_io0',
      '--parameters_file=/mlcube_io1/parameters.yaml',
      '--weights=/mlcube_io2/weights.pt',
      '--output_path=/mlcube_io3',
    ]);
  });

  it('takes given inputs in place of the defaults', () => {
    const plan = planTask(EXAMPLE, 'infer', new Set(['data_path']));
    expect(plan.inputs[0]).toEqual({ mount: '/mlcube_io0', source: { from: 'override', name: 'data_path' } });
  });

  it('shares the mount of a folder that two inputs name', () => {
    const plan = planTask(
      manifestWith([
        { name: 'a', type: 'file', default: 'x/one' },
        { name: 'b', type: 'file', default: './x//two' },
      ]),
      't',
      new Set(),
    );
    expect(plan.inputs).toHaveLength(1);
    expect(plan.command).toEqual(['t', '--a=/mlcube_io0/one', '--b=/mlcube_io0/two']);
  });

  it('keeps an output apart from an input in the same folder', () => {
    const plan = planTask(
      manifestWith(
        [{ name: 'a', type: 'directory', default: 'x' }],
        [{ name: 'o', type: 'file', default: 'x/out.yaml' }],
      ),
      't',
      new Set(),
    );
    expect(plan.outputs).toEqual({ o: { mount: '/mlcube_io1', file: 'out.yaml' } });
  });

  it('replaces the task name by an entry point', () => {
    const plan = planTask(manifestWith([], [], 'python /run.py --fast'), 't', new Set());
    expect(plan).toMatchObject({ entrypoint: ['python'], command: ['/run.py', '--fast'] });
  });

  it.each(['../x', '/etc/passwd', '~/x', '$HOME/x', 'a/../../x'])('refuses the path %s', (path) => {
    const manifest = manifestWith([{ name: 'a', type: 'directory', default: path }]);
    expect(() => planTask(manifest, 't', new Set())).toThrow(/mlcube\.yaml:1: error: the input a of t/);
  });

  it.each(['a/..', '.', 'a/'])('takes no file name from %s', (path) => {
    const { inputs } = planTask(manifestWith([{ name: 'a', type: 'file', default: path }]), 't', new Set(['a']));
    expect(inputs[0]?.source).toMatchObject({ from: 'override', file: 'a' });
  });

  it('names a missing task and an unknown input', () => {
    expect(() => planTask(EXAMPLE, 'evaluate', new Set())).toThrow('has no task evaluate');
    expect(() => planTask(EXAMPLE, 'infer', new Set(['labels']))).toThrow('has no input "labels"');
  });

  it('never leaves the workspace and numbers mounts without gaps', () => {
    const path = fc
      .array(fc.constantFrom('a', 'b', '.', '..', ''), { minLength: 1, maxLength: 6 })
      .map((p) => p.join('/'));
    const type = fc.constantFrom('file' as const, 'directory' as const);
    const parameter = fc.record({ type, default: path });
    fc.assert(
      fc.property(fc.array(parameter, { maxLength: 6 }), fc.array(parameter, { maxLength: 3 }), (ins, outs) => {
        const named = (list: typeof ins, prefix: string) => list.map((p, at) => ({ ...p, name: `${prefix}${at}` }));
        let plan;
        try {
          plan = planTask(manifestWith(named(ins, 'i'), named(outs, 'o')), 't', new Set());
        } catch (error) {
          expect(error).toMatchObject({ constructor: MedperfError, type: 'InvalidManifest' });
          return;
        }
        const mounts = [
          ...plan.inputs.map(({ mount }) => mount),
          ...Object.values(plan.outputs).map(({ mount }) => mount),
        ];
        expect(mounts).toEqual(mounts.map((_, at) => `/mlcube_io${at}`));
        for (const { source } of plan.inputs) {
          const path = source.from === 'cube' ? source.path : '';
          expect(path.split('/')).not.toContain('..');
          expect(path.split('/')[0]).toBe('workspace');
        }
      }),
    );
  });
});
