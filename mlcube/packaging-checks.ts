import { hostedFileNames } from '../contract';
import type { CubeFormat, CubeType, Finding, Task } from '../contract';
import { Complaints, quote } from './complaints';
import { TASK_VOLUMES } from './container-volumes';
import { checkKinds } from './contract-kinds';
import type { Manifest } from './manifest';
import { TYPE_TASKS } from './task-contract';
import type { Parameter, TaskSection } from './task-section';
import { workspacePath } from './workspace-path';

/** The files of a cube that packaging would take along. */
export interface CubeFiles {
  /** Whether `workspace/parameters.yaml` is there. */
  readonly hasParameters: boolean;
  /** Files below `workspace/additional_files/`, relative to it. */
  readonly additionalFiles: readonly string[];
}

/** What MedPerf's packaging demands of a task: exactly these outputs, these inputs, and no others but extra files. */
const PACKAGED_TASKS: Readonly<
  Record<Task, { readonly inputs: readonly string[]; readonly outputs: readonly string[] }>
> = {
  infer: { inputs: ['data_path'], outputs: ['output_path'] },
  evaluate: { inputs: ['predictions', 'labels'], outputs: ['output_path'] },
  prepare: { inputs: ['data_path', 'labels_path'], outputs: ['output_path', 'output_labels_path', 'report_file'] },
  sanity_check: { inputs: ['data_path', 'labels_path', 'report_file'], outputs: [] },
  statistics: { inputs: ['data_path', 'labels_path'], outputs: ['output_path'] },
};

const PARAMETERS_INPUT = 'parameters_file';
const ADDITIONAL_FILES = 'additional_files/';
const ADDITIONAL_PATH = 'workspace/additional_files';

/**
 * Every finding of MedPerf's packaging rules (reference: medperf.md, part 6), and of what would fail later: files that are
 * declared and absent, outputs without a type.
 * @param type null when the tasks do not tell it.
 * @param wanted the format of the server that it is packaged for, or null; a server of today's gives its tasks less.
 */
export function checkForPackaging(
  manifest: Manifest,
  type: CubeType | null,
  files: CubeFiles,
  wanted: CubeFormat | null,
): Finding[] {
  const complaints = new Complaints(manifest.file);
  if (!manifest.readable) return [];
  checkImage(manifest, complaints);
  const names = Object.keys(manifest.tasks);
  if (names.length === 0) {
    complaints.under('task').error(undefined, 'there are no tasks', 'add tasks, such as infer for a model');
  } else if (type === null) {
    const message = `the tasks ${names.join(', ')} do not tell the type of the cube`;
    complaints
      .under('task')
      .error(undefined, message, 'give --type, or the tasks of exactly one of data-preparator, model and metrics');
  } else {
    for (const task of TYPE_TASKS[type]) checkTask(manifest, { type, files, wanted }, task, complaints.under('task'));
    warnOfUnused(manifest, TYPE_TASKS[type], files, complaints.under('cube-file'));
  }
  if (manifest.accelerators.count > 0) {
    const message = 'platform.accelerator_count requests GPUs and is ignored, as in MedPerf';
    complaints
      .under('docker-option')
      .warning(manifest.accelerators.line, message, 'GPUs are asked for by --gpus or the policy');
  }
  return complaints.findings;
}

function checkImage({ docker, singularity }: Manifest, all: Complaints): void {
  const complaints = all.under('image-name');
  if (docker?.image !== undefined && singularity !== undefined) {
    const message = 'docker.image and singularity.image are both given, which is ambiguous';
    complaints.error(singularity.line, message, 'keep docker.image only');
  } else if (docker?.image === undefined) {
    complaints.error(
      docker?.line ?? singularity?.line,
      'docker.image is missing',
      'name the image that runs the tasks',
    );
  }
}

interface Packaging {
  readonly type: CubeType;
  readonly files: CubeFiles;
  readonly wanted: CubeFormat | null;
}

function checkTask(manifest: Manifest, { type, files, wanted }: Packaging, task: Task, complaints: Complaints): void {
  const section = Object.hasOwn(manifest.tasks, task) ? manifest.tasks[task] : undefined;
  if (section === undefined) {
    complaints.error(
      undefined,
      `the task ${task} is missing`,
      `add it: a cube of type ${type} has ${TYPE_TASKS[type].join(', ')}`,
    );
    return;
  }
  checkKinds(task, section, complaints);
  const { inputs, outputs } = PACKAGED_TASKS[task];
  const demanded =
    wanted === 'container' ? inputs.filter((name) => Object.hasOwn(TASK_VOLUMES[task].inputs, name)) : inputs;
  checkMissing(task, 'input', section, demanded, section.inputs, complaints);
  checkMissing(task, 'output', section, outputs, section.outputs, complaints);
  for (const { name, line } of section.outputs) {
    if (outputs.includes(name)) continue;
    const allowed = outputs.length === 0 ? 'none' : outputs.join(', ');
    complaints.error(line, `${task} has the output ${quote(name)}; MedPerf allows ${allowed}`, 'remove it');
  }
  for (const input of section.inputs) {
    if (inputs.includes(input.name)) continue;
    if (input.name === PARAMETERS_INPUT) checkParametersFile(task, input, files, complaints.under('cube-file'));
    else checkExtraInput(task, input, files, complaints.under('cube-file'));
  }
}

function checkMissing(
  task: Task,
  side: 'input' | 'output',
  section: TaskSection,
  required: readonly string[],
  declared: readonly Parameter[],
  complaints: Complaints,
): void {
  for (const name of required) {
    if (declared.some((parameter) => parameter.name === name)) continue;
    complaints.error(
      section.line,
      `${task} has no ${side} ${name}`,
      `declare it under tasks.${task}.parameters.${side}s`,
    );
  }
}

function checkParametersFile(task: Task, input: Parameter, files: CubeFiles, complaints: Complaints): void {
  const expected = hostedFileNames.parameters;
  if (input.default !== expected) {
    const message = `${PARAMETERS_INPUT} of ${task} is ${quote(input.default)}, not ${expected}`;
    complaints.error(input.line, message, `write ${expected}: MedPerf puts the file there`);
  } else if (!files.hasParameters) {
    complaints.error(input.line, `workspace/${expected} is not in the cube`, 'add the file, or remove the input');
  } else if (input.type === 'directory') {
    complaints.error(input.line, `${PARAMETERS_INPUT} of ${task} is a file`, 'write type: file');
  }
}

function checkExtraInput(task: Task, input: Parameter, { additionalFiles }: CubeFiles, complaints: Complaints): void {
  const { name, default: written, line } = input;
  const resolved = workspacePath(written);
  const inside = 'path' in resolved && `${resolved.path}/`.startsWith(`${ADDITIONAL_PATH}/`);
  if (!inside || !written.startsWith(ADDITIONAL_FILES)) {
    const message = `the extra input ${name} of ${task}, ${quote(written)}, is not below ${ADDITIONAL_FILES}`;
    complaints.error(line, message, `move it there and write ${ADDITIONAL_FILES}…`);
    return;
  }
  const path = resolved.path.slice(ADDITIONAL_PATH.length + 1);
  const isFile = additionalFiles.includes(path);
  const isDirectory = path === '' || additionalFiles.some((file) => file.startsWith(`${path}/`));
  if (!isFile && !isDirectory) {
    complaints.error(line, `${resolved.path} is not in the cube`, 'add it, or correct the path');
  } else if (path === '' && additionalFiles.length === 0) {
    complaints.error(line, `${ADDITIONAL_PATH} is empty or not in the cube`, 'add the files, or remove the input');
  } else if (input.type === 'file' && !isFile) {
    complaints.error(line, `${resolved.path} is a directory, declared as a file`, 'write type: directory');
  } else if (input.type === 'directory' && !isDirectory) {
    complaints.error(line, `${resolved.path} is a file, declared as a directory`, 'write type: file');
  }
}

/** Files that are there and named by no input of the packaged tasks: forgotten, or to be left out. */
function warnOfUnused(manifest: Manifest, tasks: readonly Task[], files: CubeFiles, complaints: Complaints): void {
  const inputs = tasks.flatMap((task) => manifest.tasks[task]?.inputs ?? []);
  if (files.hasParameters && !inputs.some(({ name }) => name === PARAMETERS_INPUT)) {
    const message = `workspace/${hostedFileNames.parameters} is there, and no task reads it`;
    complaints.warning(undefined, message, `declare the input ${PARAMETERS_INPUT}, or remove the file`);
  }
  const usesAdditional = inputs.some((input) => input.default.startsWith(ADDITIONAL_FILES));
  if (files.additionalFiles.length > 0 && !usesAdditional) {
    complaints.warning(
      undefined,
      `${ADDITIONAL_PATH} has files, and no task reads them`,
      'declare an input, or remove them',
    );
  }
}
