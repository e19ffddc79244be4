import type { Finding, Task } from '../contract';
import { Complaints, quote } from './complaints';
import type { Manifest } from './manifest';
import { isContractTask } from './task-contract';
import type { ValueKind } from './task-contract';
import type { Parameter, TaskSection } from './task-section';
import { workspacePath } from './workspace-path';

interface Volume {
  readonly mount_path: string;
  readonly type: ValueKind;
}

type Volumes = Readonly<Record<string, Volume>>;

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
  readonly input_volumes: Volumes;
  readonly output_volumes: Volumes;
}

const ROOT = '/mlcommons/volumes';
const at = (path: string, type: ValueKind): Volume => ({ mount_path: `${ROOT}/${path}`, type });
const PREPARED = { data_path: at('data', 'directory'), labels_path: at('labels', 'directory') };
const METADATA = { metadata_path: at('metadata', 'directory') };

/** What today's MedPerf gives to a task and takes from it, at its usual places (reference: medperf.md, 5.3 and 8). */
const VOLUMES: Readonly<Record<Task, { readonly inputs: Volumes; readonly outputs: Volumes }>> = {
  prepare: {
    inputs: { data_path: at('raw_data', 'directory'), labels_path: at('raw_labels', 'directory') },
    outputs: {
      output_path: PREPARED.data_path,
      output_labels_path: PREPARED.labels_path,
      ...METADATA,
      report_file: at('report/report.yaml', 'file'),
    },
  },
  sanity_check: { inputs: { ...PREPARED, ...METADATA }, outputs: {} },
  statistics: {
    inputs: { ...PREPARED, ...METADATA },
    outputs: { output_path: at('statistics/statistics.yaml', 'file') },
  },
  infer: {
    inputs: { data_path: PREPARED.data_path },
    outputs: { output_path: at('predictions', 'directory') },
  },
  evaluate: {
    inputs: { predictions: at('predictions', 'directory'), labels: PREPARED.labels_path },
    outputs: { output_path: at('results/results.yaml', 'file') },
  },
};
const PARAMETERS_FILE = at('parameters/parameters_file.yaml', 'file');
const ADDITIONAL_FILES = at('additional_files', 'directory');
const ADDITIONAL_FILES_FOLDER = 'workspace/additional_files';

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
  const complaints = new Complaints(manifest.file);
  const image = manifest.docker?.image;
  if (image === undefined)
    complaints.error(manifest.docker?.line, 'it names no Docker image', 'write docker.image as name:tag');
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
  const inputVolumes: Record<string, Volume> = {};
  const outputVolumes: Record<string, Volume> = {};
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
function inputPlace(task: Task, input: Parameter, volumes: Record<string, Volume>, complaints: Complaints): string {
  const { name, line } = input;
  const known = own(VOLUMES[task].inputs, name) ?? (name === 'parameters_file' ? PARAMETERS_FILE : undefined);
  if (known !== undefined) {
    volumes[name] = known;
    return known.mount_path;
  }
  const resolved = workspacePath(input.default);
  const path = 'path' in resolved ? resolved.path : '';
  if (path === ADDITIONAL_FILES_FOLDER || path.startsWith(`${ADDITIONAL_FILES_FOLDER}/`)) {
    volumes['additional_files'] = ADDITIONAL_FILES;
    return `${ADDITIONAL_FILES.mount_path}${path.slice(ADDITIONAL_FILES_FOLDER.length)}`;
  }
  complaints.error(
    line,
    `today's MedPerf gives ${task} no ${quote(name)}`,
    'put it below additional_files/ or into parameters.yaml, or do without it',
  );
  return '';
}

function outputPlace(task: Task, output: Parameter, volumes: Record<string, Volume>, complaints: Complaints): string {
  const known = own(VOLUMES[task].outputs, output.name);
  if (known === undefined) {
    complaints.error(output.line, `today's MedPerf takes no ${quote(output.name)} from ${task}`, 'remove the output');
    return '';
  }
  volumes[output.name] = known;
  return known.mount_path;
}

function own(volumes: Volumes, name: string): Volume | undefined {
  return Object.hasOwn(volumes, name) ? volumes[name] : undefined;
}
