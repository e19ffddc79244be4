import { quote } from './complaints';
import { isNull, readChoice, readSection, readText } from './field-reading';
import type { ManifestReading } from './field-reading';
import { interpolatePath } from './interpolation';
import { splitShellWords } from './shell-words';
import type { YamlEntry, YamlMapping } from './yaml-document';

export const PARAMETER_TYPES = ['file', 'directory', 'unknown'] as const;
export type ParameterType = (typeof PARAMETER_TYPES)[number];

/** One input or output of a task. */
export interface Parameter {
  readonly name: string;
  readonly type: ParameterType;
  /** Path relative to the workspace, as written; the parameter's own name when none is. */
  readonly default: string;
  readonly opts?: 'ro' | 'rw';
  readonly line: number;
}

export interface TaskSection {
  readonly line: number;
  /** The words of a custom command. */
  readonly entrypoint?: readonly [string, ...string[]];
  readonly inputs: readonly Parameter[];
  readonly outputs: readonly Parameter[];
}

const MAX_PARAMETERS = 1000;
const TASK_NAME = /^[A-Za-z][\w.-]{0,127}$/;
const PARAMETER_NAME = TASK_NAME;

export function readTasks(entry: YamlEntry | undefined, reading: ManifestReading): Record<string, TaskSection> {
  const tasks: Record<string, TaskSection> = {};
  let parameters = 0;
  for (const [name, task] of readSection(entry, 'tasks', reading).entries) {
    if (!TASK_NAME.test(name)) {
      reading.complaints.error(task.line, `the task name ${quote(name)} is not allowed`, nameFix);
      continue;
    }
    const section = readTask(name, task, reading);
    parameters += 1 + section.inputs.length + section.outputs.length;
    if (parameters > MAX_PARAMETERS) {
      reading.complaints.error(task.line, `there are more than ${MAX_PARAMETERS} tasks and parameters`, 'remove some');
      break;
    }
    tasks[name] = section;
  }
  return tasks;
}

const nameFix = 'begin with a letter and use letters, digits, "_", "-" and "."';

function readTask(name: string, task: YamlEntry, reading: ManifestReading): TaskSection {
  const where = `tasks.${name}`;
  const { entries } = readSection(task, where, reading);
  const parameters = readSection(entries.get('parameters'), `${where}.parameters`, reading).entries;
  const entrypoint = readEntrypoint(entries.get('entrypoint'), `${where}.entrypoint`, reading);
  const inputs = readParameters(parameters.get('inputs'), `${where}.inputs`, reading);
  const outputs = readParameters(parameters.get('outputs'), `${where}.outputs`, reading);
  warnOfOpts(name, inputs, outputs, reading);
  return { line: task.line, ...(entrypoint === undefined ? {} : { entrypoint }), inputs, outputs };
}

function readEntrypoint(
  entry: YamlEntry | undefined,
  where: string,
  reading: ManifestReading,
): readonly [string, ...string[]] | undefined {
  const text = readText(entry, where, reading);
  if (entry === undefined || text === undefined) return undefined;
  const split = splitShellWords(text);
  if ('problem' in split || split.words.some(({ expands }) => expands)) {
    reading.complaints.error(
      entry.line,
      `${where} ${quote(text)} needs a shell`,
      'write plain words; no shell reads them',
    );
    return undefined;
  }
  const [first, ...rest] = split.words.map((word) => word.text);
  if (first === undefined) return undefined;
  if (rest.length === 0) {
    const message = `${where} is one word: as in MLCube, the program gets no parameters`;
    reading.complaints.warning(entry.line, message, 'write "program word …" to get them, or read the mounts by number');
  }
  return [first, ...rest];
}

function readParameters(entry: YamlEntry | undefined, where: string, reading: ManifestReading): Parameter[] {
  return [...readSection(entry, where, reading).entries].slice(0, MAX_PARAMETERS + 1).flatMap(([name, parameter]) => {
    if (PARAMETER_NAME.test(name)) return [readParameter(name, parameter, `${where}.${name}`, reading)];
    reading.complaints.error(parameter.line, `the parameter name ${quote(name)} in ${where} is not allowed`, nameFix);
    return [];
  });
}

function readParameter(name: string, entry: YamlEntry, where: string, reading: ManifestReading): Parameter {
  const { line } = entry;
  if (entry.value.kind === 'mapping' || isNull(entry)) {
    const { entries } = readSection(entry, where, reading);
    return describedParameter(name, line, entries, where, reading);
  }
  return typedByPath({ name, line, default: readText(entry, where, reading, interpolatePath) ?? name });
}

function describedParameter(
  name: string,
  line: number,
  entries: YamlMapping['entries'],
  where: string,
  reading: ManifestReading,
): Parameter {
  const type = readChoice(entries.get('type'), `${where}.type`, PARAMETER_TYPES, reading);
  const opts = readChoice(entries.get('opts'), `${where}.opts`, ['ro', 'rw'], reading);
  const path = readText(entries.get('default'), `${where}.default`, reading, interpolatePath) ?? name;
  const parameter = { name, line, default: path, ...(opts === undefined ? {} : { opts }) };
  return type === undefined || type === 'unknown' ? typedByPath(parameter) : { ...parameter, type };
}

/** Without a type of its own, a path that ends in a slash is a directory (reference: mlcube.md, part 3). */
function typedByPath(parameter: Omit<Parameter, 'type'>): Parameter {
  return { ...parameter, type: /[/\\]$/.test(parameter.default) ? 'directory' : 'unknown' };
}

function warnOfOpts(
  task: string,
  inputs: readonly Parameter[],
  outputs: readonly Parameter[],
  { complaints }: ManifestReading,
): void {
  for (const { name, opts, line } of inputs) {
    if (opts !== 'rw') continue;
    complaints.warning(
      line,
      `the input ${name} of ${task} asks to be writable`,
      'every input is read-only, as in MedPerf',
    );
  }
  for (const { name, opts, line } of outputs) {
    if (opts !== 'ro') continue;
    complaints.warning(line, `the output ${name} of ${task} asks to be read-only`, 'it is writable here; remove opts');
  }
}
