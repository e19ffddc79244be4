import fc from 'fast-check';
import type { Manifest, Parameter } from './manifest';
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

function manifestWith(inputs: Parameter[], outputs: Parameter[] = [], entrypoint?: string): Manifest {
  const task = { name: 't', inputs, outputs, ...(entrypoint === undefined ? {} : { entrypoint }) };
  return { name: 'm', hasSingularityImage: false, acceleratorCount: 0, tasks: { t: task } };
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
    const manifest = manifestWith([{ name: 'a', type: 'directory', default: path, line: 7 }]);
    expect(() => planTask(manifest, 't', new Set())).toThrow(/mlcube\.yaml:7.*leads out of the cube/);
  });

  it('names a missing task and an unknown input', () => {
    expect(() => planTask(EXAMPLE, 'evaluate', new Set())).toThrow('has no task evaluate');
    expect(() => planTask(EXAMPLE, 'infer', new Set(['labels']))).toThrow('an input named labels');
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
          expect(String(error)).toMatch(/leads out of the cube|names the workspace itself/);
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
