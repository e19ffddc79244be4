import { MedperfError } from '../contract';
import type { ActionOutput } from '../contract';
import { Complaints, quote } from './complaints';
import type { ContainerDefinition } from './container-definition';
import type { ContainerTaskSection, Volume } from './container-task-section';
import { isOwnVolume, OWN_PLACES } from './container-volumes';
import { refuseErrors } from './manifest';
import type { InputMount, MountSource, TaskPlan } from './task-plan';

/**
 * Plans a run of a task as today's MedPerf runs it (reference: medperf.md, 8): every volume at its own place, the command
 * as it is written. What the caller brings and the task has no volume for is not mounted.
 *
 * @param overrides names of the inputs whose value the caller brings.
 * @throws MedperfError `InvalidManifest` with every finding.
 */
export function planContainerTask(
  definition: ContainerDefinition,
  task: string,
  overrides: ReadonlySet<string>,
): TaskPlan {
  const section = requireTask(definition, task);
  const complaints = new Complaints(definition.file);
  const inputs = section.inputs.flatMap((volume): InputMount[] => {
    const source = sourceOf(volume, overrides);
    if (source !== null) return [{ mount: volume.mountPath, source, isFile: volume.type === 'file' }];
    complaints.error(volume.line, `nothing gives ${task} its ${quote(volume.name)}`, 'remove the volume');
    return [];
  });
  refuseErrors(`The task ${task} of ${definition.file} cannot be run.`, complaints.findings);
  const { entrypoint, command, arguments: docker } = section;
  const { environment, wantsGpu, ...shm } = docker;
  return {
    task,
    entrypoint: entrypoint === null ? null : [entrypoint],
    command,
    environment,
    ...shm,
    inputs,
    outputs: Object.fromEntries(section.outputs.map((volume) => [volume.name, outputOf(volume)])),
    wantsGpu,
  };
}

function requireTask(definition: ContainerDefinition, task: string): ContainerTaskSection {
  const section = Object.hasOwn(definition.tasks, task) ? definition.tasks[task] : undefined;
  if (section !== undefined) return section;
  throw new MedperfError('InvalidManifest', {
    what: `${definition.file} has no task ${task}.`,
    expected: `tasks.${task}`,
    found: Object.keys(definition.tasks).join(', ') || 'no tasks',
    next: 'add the task to the configuration, or use a cube of the right type.',
  });
}

function sourceOf({ name }: Volume, overrides: ReadonlySet<string>): MountSource | null {
  if (isOwnVolume(name)) return { from: 'cube', path: OWN_PLACES[name] };
  return overrides.has(name) ? { from: 'override', name } : null;
}

function outputOf({ mountPath, type }: Volume): ActionOutput {
  return type === 'file' ? { mount: mountPath, touched: true } : { mount: mountPath };
}
