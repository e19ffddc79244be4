import { posix } from 'node:path';
import { hostedFileNames } from '../contract';
import type { CubeType, Finding } from '../contract';
import type { Manifest, Parameter, TaskDefinition } from './manifest';

/** What the cube's folder holds beside its manifest. */
export interface CubeFiles {
  readonly hasParameters: boolean;
  /** Files below `workspace/additional_files`, relative to it. */
  readonly additionalFiles: readonly string[];
}

interface TaskSchema {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Models and metrics may read further files, which travel with the cube. */
  readonly extraInputs: boolean;
}

/** Tasks that each cube type has to have (reference: medperf.md, part 6). */
const SCHEMAS: Readonly<Record<CubeType, Readonly<Record<string, TaskSchema>>>> = {
  model: { infer: { inputs: ['data_path'], outputs: ['output_path'], extraInputs: true } },
  metrics: { evaluate: { inputs: ['predictions', 'labels'], outputs: ['output_path'], extraInputs: true } },
  'data-preparator': {
    prepare: {
      inputs: ['data_path', 'labels_path'],
      outputs: ['output_path', 'output_labels_path', 'report_file'],
      extraInputs: true,
    },
    sanity_check: { inputs: ['data_path', 'labels_path', 'report_file'], outputs: [], extraInputs: true },
    statistics: { inputs: ['data_path', 'labels_path'], outputs: ['output_path'], extraInputs: true },
  },
};

const FILE = 'mlcube.yaml';
const ADDITIONAL = 'additional_files';

/** Every complaint of MedPerf's packaging at once. */
export function checkForPackaging(manifest: Manifest, type: CubeType | null, files: CubeFiles): Finding[] {
  const findings = checkImages(manifest);
  if (type === null) {
    const fix = 'give exactly one of the tasks prepare, infer and evaluate, or state the type with --type';
    return [...findings, error(undefined, 'the cube is no data preparator, model or metrics cube by its tasks', fix)];
  }
  for (const [name, schema] of Object.entries(SCHEMAS[type])) {
    const task = Object.hasOwn(manifest.tasks, name) ? manifest.tasks[name] : undefined;
    if (task === undefined) findings.push(error(undefined, `a ${type} needs the task ${name}`, `add tasks.${name}`));
    else findings.push(...checkTask(task, schema, files));
  }
  return findings;
}

function checkImages(manifest: Manifest): Finding[] {
  if (manifest.docker !== undefined && manifest.hasSingularityImage) {
    return [error(undefined, 'both docker.image and singularity.image are given', 'define only one image')];
  }
  if (manifest.docker !== undefined) return [];
  return [error(undefined, 'no Docker image is given', 'add docker.image, such as org/name:tag')];
}

function checkTask(task: TaskDefinition, schema: TaskSchema, files: CubeFiles): Finding[] {
  const findings: Finding[] = [];
  for (const name of missing(task.inputs, schema.inputs)) {
    findings.push(error(task.line, `${task.name} lacks the input ${name}`, `add it under ${task.name}'s inputs`));
  }
  for (const name of missing(task.outputs, schema.outputs)) {
    findings.push(error(task.line, `${task.name} lacks the output ${name}`, `add it under ${task.name}'s outputs`));
  }
  for (const output of task.outputs.filter(({ name }) => !schema.outputs.includes(name))) {
    findings.push(
      error(output.line, `${task.name} has the output ${output.name}, which MedPerf does not know`, 'remove it'),
    );
  }
  for (const input of task.inputs.filter(({ name }) => !schema.inputs.includes(name))) {
    findings.push(...checkOwnFile(task.name, input, files));
  }
  return findings;
}

function missing(parameters: readonly Parameter[], names: readonly string[]): string[] {
  return names.filter((name) => !parameters.some((parameter) => parameter.name === name));
}

/** An input that no benchmark gives has to travel with the cube. */
function checkOwnFile(task: string, input: Parameter, files: CubeFiles): Finding[] {
  const { name, line, default: path } = input;
  if (name === 'parameters_file') {
    if (path !== hostedFileNames.parameters) {
      return [error(line, `${task}.parameters_file is ${path}`, `it has to be ${hostedFileNames.parameters}`)];
    }
    const fix = `write workspace/${hostedFileNames.parameters}`;
    return files.hasParameters ? [] : [error(line, `workspace/${hostedFileNames.parameters} is absent`, fix)];
  }
  const normal = posix.normalize(path).replace(/\/+$/, '');
  if (normal !== ADDITIONAL && !normal.startsWith(`${ADDITIONAL}/`)) {
    return [error(line, `${task}.${name} is ${path}, outside ${ADDITIONAL}/`, `move it into workspace/${ADDITIONAL}/`)];
  }
  const inside = normal.slice(ADDITIONAL.length + 1);
  const present = files.additionalFiles.some(
    (file) => inside === '' || file === inside || file.startsWith(`${inside}/`),
  );
  return present ? [] : [error(line, `workspace/${normal} is absent`, 'put the file there')];
}

function error(line: number | undefined, message: string, fix: string): Finding {
  return { severity: 'error', file: FILE, ...(line === undefined ? {} : { line }), message, fix };
}
