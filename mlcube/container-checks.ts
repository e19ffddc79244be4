import { hostedFileNames } from '../contract';
import type { CubeType, Finding, Task } from '../contract';
import { Complaints } from './complaints';
import type { ContainerDefinition } from './container-definition';
import type { Volume } from './container-task-section';
import type { CubeFiles } from './packaging-checks';
import { TYPE_TASKS } from './task-contract';

/** What a task has to have a volume for, since nothing could be done with its run otherwise (reference: medperf.md, 5.3). */
const NEEDED: Readonly<Record<Task, { readonly inputs: readonly string[]; readonly outputs: readonly string[] }>> = {
  prepare: { inputs: ['data_path', 'labels_path'], outputs: ['output_path', 'output_labels_path'] },
  sanity_check: { inputs: ['data_path'], outputs: [] },
  statistics: { inputs: ['data_path'], outputs: ['output_path'] },
  infer: { inputs: ['data_path'], outputs: ['output_path'] },
  evaluate: { inputs: ['predictions', 'labels'], outputs: ['output_path'] },
};

/** What would fail later of a configuration that can be read; `type` is null when the tasks do not tell it. */
export function checkContainer(definition: ContainerDefinition, type: CubeType | null, files: CubeFiles): Finding[] {
  if (!definition.readable) return [];
  const complaints = new Complaints(definition.file);
  if (type === null) {
    const names = Object.keys(definition.tasks).join(', ') || 'none';
    const fix = 'give --type, or the tasks of exactly one of data-preparator, model and metrics';
    complaints.under('task').error(undefined, `the tasks (${names}) do not tell the type of the cube`, fix);
    return complaints.findings;
  }
  for (const task of TYPE_TASKS[type]) checkTask(definition, type, task, complaints.under('task'));
  checkOwnFiles(definition, files, complaints.under('cube-file'));
  return complaints.findings;
}

function checkTask(definition: ContainerDefinition, type: CubeType, task: Task, complaints: Complaints): void {
  const section = Object.hasOwn(definition.tasks, task) ? definition.tasks[task] : undefined;
  if (section === undefined) {
    const fix = `add it: a cube of type ${type} has ${TYPE_TASKS[type].join(', ')}`;
    complaints.error(undefined, `the task ${task} is missing`, fix);
    return;
  }
  for (const side of ['inputs', 'outputs'] as const) {
    const has = new Set(section[side].map(({ name }) => name));
    for (const name of NEEDED[task][side].filter((needed) => !has.has(needed))) {
      const key = side === 'inputs' ? 'input_volumes' : 'output_volumes';
      complaints.error(section.line, `${task} has no volume ${name}`, `add it to its ${key}`);
    }
  }
}

function checkOwnFiles({ tasks }: ContainerDefinition, files: CubeFiles, complaints: Complaints): void {
  const volumes = Object.values(tasks).flatMap(({ inputs }) => inputs);
  const parameters = volumes.find(({ name }) => name === 'parameters_file');
  const additional = volumes.find(({ name }) => name === 'additional_files');
  const places = [
    [parameters, files.hasParameters, `workspace/${hostedFileNames.parameters}`],
    [additional, files.additionalFiles.length > 0, 'workspace/additional_files/'],
  ] as const satisfies readonly (readonly [Volume | undefined, boolean, string])[];
  for (const [volume, isThere, place] of places) {
    if (volume !== undefined && !isThere)
      complaints.error(volume.line, `${place} is not in the cube, and a task reads it`, 'add it, or remove the volume');
    if (volume === undefined && isThere)
      complaints.warning(undefined, `${place} is there, and no task reads it`, 'add a volume for it, or remove it');
  }
}
