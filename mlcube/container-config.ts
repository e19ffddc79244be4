import type { Finding, Task } from '../contract';
import { Complaints, quote } from './complaints';
import { OWN_PLACES, OWN_VOLUMES, TASK_VOLUMES } from './container-volumes';
import type { VolumePlace, VolumePlaces } from './container-volumes';
import type { Manifest } from './manifest';
import { isContractTask } from './task-contract';
import type { Parameter, TaskSection } from './task-section';
import { workspacePath } from './workspace-path';

/** What today's MedPerf runs in place of an mlcube.yaml (reference: medperf.md, 8). */
export interface ContainerConfig {
  readonly container_type: 'DockerImage';
  readonly image: string;
  readonly tasks: Readonly<Record<string, ContainerTask>>;
}

interface ContainerTask {
  readonly run_args: {
    readonly command: readonly string[];
    readonly entrypoint?: string;
    readonly environment?: Readonly<Record<string, string>>;
    readonly gpus?: number | 'all';
    readonly shm_size?: string;
  };
  readonly input_volumes: VolumePlaces;
  readonly output_volumes: VolumePlaces;
}

export interface Converted {
  /** Null when a finding is an error. */
  readonly config: ContainerConfig | null;
  /** Whether a task reads the parameters file, which is given beside the configuration. */
  readonly readsParameters: boolean;
  /** Whether a task reads the additional files, which are hosted as before. */
  readonly readsAdditionalFiles: boolean;
  readonly findings: readonly Finding[];
}

/**
 * Says the same as a manifest in the form of today's MedPerf. MLCube hands a task its name and its paths as arguments,
 * today's MedPerf hands over nothing by itself: the command names them, in MLCube's order.
 */
export function toContainerConfig(manifest: Manifest): Converted {
  const all = new Complaints(manifest.file);
  const complaints = all.under('task');
  const image = manifest.docker?.image;
  if (image === undefined)
    all.under('image-name').error(manifest.docker?.line, 'it names no Docker image', 'write docker.image as name:tag');
  const tasks: Record<string, ContainerTask> = {};
  for (const [name, section] of Object.entries(manifest.tasks)) {
    if (isContractTask(name)) tasks[name] = containerTask(manifest, name, section, complaints);
    else complaints.warning(section.line, `the task ${name} is left out: MedPerf does not run it`, 'nothing to do');
  }
  if (Object.keys(tasks).length === 0)
    complaints.error(undefined, 'it has no task that MedPerf runs', 'add infer, evaluate or prepare');
  const { findings } = complaints;
  const isUsable = image !== undefined && !findings.some(({ severity }) => severity === 'error');
  const reads = (volume: string): boolean =>
    Object.values(tasks).some(({ input_volumes }) => Object.hasOwn(input_volumes, volume));
  return {
    config: isUsable ? { container_type: 'DockerImage', image, tasks } : null,
    readsParameters: reads('parameters_file'),
    readsAdditionalFiles: reads('additional_files'),
    findings,
  };
}

function containerTask(
  manifest: Manifest,
  task: Task,
  { entrypoint, inputs, outputs }: TaskSection,
  complaints: Complaints,
): ContainerTask {
  const inputVolumes: Record<string, VolumePlace> = {};
  const outputVolumes: Record<string, VolumePlace> = {};
  const values = [
    ...inputs.map((input) => `--${input.name}=${inputPlace(task, input, inputVolumes, complaints)}`),
    ...outputs.map((output) => `--${output.name}=${outputPlace(task, output, outputVolumes, complaints)}`),
  ];
  const [program, ...rest] = entrypoint ?? [];
  // As in MLCube, a program of one word is given nothing.
  const words = program === undefined ? [task, ...values] : rest.length === 0 ? [] : [...rest, ...values];
  return {
    run_args: { command: words, ...(program === undefined ? {} : { entrypoint: program }), ...runArguments(manifest) },
    input_volumes: inputVolumes,
    output_volumes: outputVolumes,
  };
}

function runArguments({ docker, accelerators }: Manifest): Omit<ContainerTask['run_args'], 'command' | 'entrypoint'> {
  const { environment = {}, wantsGpu = false, shmBytes } = docker?.arguments ?? {};
  return {
    ...(Object.keys(environment).length === 0 ? {} : { environment }),
    ...(accelerators.count > 0 ? { gpus: accelerators.count } : wantsGpu ? { gpus: 'all' } : {}),
    ...(shmBytes === undefined ? {} : { shm_size: `${shmBytes}b` }),
  };
}

/** The path that the task is given for an input; its volume is added. */
function inputPlace(
  task: Task,
  input: Parameter,
  volumes: Record<string, VolumePlace>,
  complaints: Complaints,
): string {
  const { name, line } = input;
  const known =
    own(TASK_VOLUMES[task].inputs, name) ?? (name === 'parameters_file' ? OWN_VOLUMES.parameters_file : undefined);
  if (known !== undefined) {
    volumes[name] = known;
    return known.mount_path;
  }
  const resolved = workspacePath(input.default);
  const path = 'path' in resolved ? resolved.path : '';
  const folder = OWN_PLACES.additional_files;
  if (path === folder || path.startsWith(`${folder}/`)) {
    volumes['additional_files'] = OWN_VOLUMES.additional_files;
    return `${OWN_VOLUMES.additional_files.mount_path}${path.slice(folder.length)}`;
  }
  complaints.error(
    line,
    `today's MedPerf gives ${task} no ${quote(name)}`,
    'put it below additional_files/ or into parameters.yaml, or do without it',
  );
  return '';
}

function outputPlace(
  task: Task,
  output: Parameter,
  volumes: Record<string, VolumePlace>,
  complaints: Complaints,
): string {
  const known = own(TASK_VOLUMES[task].outputs, output.name);
  if (known === undefined) {
    complaints.error(output.line, `today's MedPerf takes no ${quote(output.name)} from ${task}`, 'remove the output');
    return '';
  }
  volumes[output.name] = known;
  return known.mount_path;
}

function own(volumes: VolumePlaces, name: string): VolumePlace | undefined {
  return Object.hasOwn(volumes, name) ? volumes[name] : undefined;
}
