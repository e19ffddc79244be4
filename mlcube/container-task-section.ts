import { commandWords } from './command-words';
import { quote } from './complaints';
import type { Complaints } from './complaints';
import { OWN_VOLUMES, TASK_VOLUMES } from './container-volumes';
import type { VolumePlaces } from './container-volumes';
import { judgeDockerOptions } from './docker-arguments';
import type { DockerArguments, DockerOption } from './docker-arguments';
import { isNull, readSection } from './field-reading';
import type { ManifestReading } from './field-reading';
import { isContractTask } from './task-contract';
import type { ValueKind } from './task-contract';
import type { YamlEntry, YamlMapping, YamlValue } from './yaml-document';

/** Where a task finds an input or leaves an output. */
export interface Volume {
  readonly name: string;
  readonly mountPath: string;
  readonly type: ValueKind;
  readonly line: number;
}

export interface ContainerTaskSection {
  readonly line: number;
  readonly entrypoint: string | null;
  /** Nothing is added to it; empty leaves the image's own. */
  readonly command: readonly string[];
  readonly arguments: DockerArguments;
  readonly inputs: readonly Volume[];
  readonly outputs: readonly Volume[];
}

const RUN_ARGUMENTS = ['command', 'entrypoint', 'environment', 'gpus', 'shm_size'];
/** A run has file systems of its own there. */
const SANDBOX_PLACES = ['/proc', '/sys', '/dev'];
const TEMPORARY_FILES = '/tmp';
/** In characters; file systems count bytes. */
const LONGEST_NAME = 60;
const MAX_TASKS = 100;
const TASK_NAME = /^[A-Za-z][\w.-]{0,127}$/;

export function readContainerTasks(
  entry: YamlEntry | undefined,
  reading: ManifestReading,
): Record<string, ContainerTaskSection> {
  if (entry === undefined || isNull(entry))
    reading.complaints.error(entry?.line, 'tasks are missing', 'name the tasks, such as infer for a model');
  const tasks: Record<string, ContainerTaskSection> = {};
  for (const [name, task] of [...readSection(entry, 'tasks', reading).entries].slice(0, MAX_TASKS)) {
    if (TASK_NAME.test(name)) tasks[name] = readTask(name, task, reading);
    else
      reading.complaints.error(task.line, `the task name ${quote(name)} is not allowed`, 'use letters, digits and "_"');
  }
  return tasks;
}

function readTask(name: string, task: YamlEntry, reading: ManifestReading): ContainerTaskSection {
  const where = `tasks.${name}`;
  const { entries } = readSection(task, where, reading);
  const { entries: runArguments } = readSection(entries.get('run_args'), `${where}.run_args`, reading);
  const complaints = reading.complaints.under('docker-option');
  for (const [key, { line }] of runArguments) {
    if (RUN_ARGUMENTS.includes(key)) continue;
    complaints.error(line, `run_args of ${name} has ${quote(key)}`, `MedPerf allows ${RUN_ARGUMENTS.join(', ')} only`);
  }
  const ofTask = { ...reading, complaints: reading.complaints.under('task') };
  const inputs = readVolumes(name, 'input', entries.get('input_volumes'), ofTask);
  const outputs = readVolumes(name, 'output', entries.get('output_volumes'), ofTask);
  refuseSharedPlaces(name, [...inputs, ...outputs], ofTask.complaints);
  return {
    line: task.line,
    entrypoint: readEntrypoint(name, runArguments.get('entrypoint'), complaints),
    command: readCommand(name, runArguments.get('command'), complaints),
    arguments: readRunArguments(name, runArguments, { ...reading, complaints }),
    inputs,
    outputs,
  };
}

function readEntrypoint(task: string, entry: YamlEntry | undefined, complaints: Complaints): string | null {
  if (entry === undefined || isNull(entry)) return null;
  const text = scalarText(entry.value);
  if (text !== null && text !== '') return text;
  complaints.error(entry.line, `the entrypoint of ${task} is no program`, 'write the path of one program');
  return null;
}

/** A list is taken as it is, a text is split into words. */
function readCommand(task: string, entry: YamlEntry | undefined, complaints: Complaints): readonly string[] {
  if (entry === undefined || isNull(entry)) return [];
  const { value, line } = entry;
  if (value.kind === 'list') {
    const words = value.items.map(unmistakableText);
    if (words.every((word) => word !== null)) return words;
  }
  const text = scalarText(value);
  if (text === null) {
    complaints.error(line, `the command of ${task} is no text and no list of texts`, 'write its words as a list');
    return [];
  }
  const words = commandWords(text);
  if (words !== null) return words;
  complaints.error(line, `the command of ${task} has a quote without an end`, 'close it, or write its words as a list');
  return [];
}

function readRunArguments(task: string, entries: YamlMapping['entries'], reading: ManifestReading): DockerArguments {
  const where = `run_args of ${task}`;
  const options: DockerOption[] = [];
  const environment = readSection(entries.get('environment'), `${where}.environment`, reading);
  for (const [name, { line, value }] of environment.entries) {
    const text = unmistakableText(value);
    if (text !== null) options.push({ name: '--env', value: `${name}=${text}`, line });
    else reading.complaints.error(line, `the environment variable ${quote(name)} is no text`, 'put it into quotes');
  }
  const gpus = entries.get('gpus');
  const wanted = gpus === undefined || isNull(gpus) ? '' : (scalarText(gpus.value) ?? 'a list or mapping');
  // As in MedPerf, these are none.
  if (gpus !== undefined && wanted !== '' && wanted !== '0') {
    if (/^(\d+|all|device=[\w,.:-]+)$/.test(wanted)) options.push({ name: '--gpus', value: wanted, line: gpus.line });
    else reading.complaints.error(gpus.line, `gpus of ${task} is ${quote(wanted)}`, 'write a count, or all');
  }
  const shm = entries.get('shm_size');
  if (shm !== undefined && !isNull(shm))
    options.push({ name: '--shm-size', value: scalarText(shm.value) ?? '', line: shm.line });
  return judgeDockerOptions(options, where, reading.complaints);
}

/** MedPerf gives a task what it knows by name, and nothing else (reference: medperf.md, 5.3). */
function readVolumes(
  task: string,
  side: 'input' | 'output',
  entry: YamlEntry | undefined,
  reading: ManifestReading,
): Volume[] {
  const where = `tasks.${task}.${side}_volumes`;
  const contract = isContractTask(task) ? TASK_VOLUMES[task][`${side}s`] : {};
  const known: VolumePlaces = side === 'input' ? { ...contract, ...OWN_VOLUMES } : contract;
  return [...readSection(entry, where, reading).entries].flatMap(([name, volume]) => {
    const expected = Object.hasOwn(known, name) ? known[name]?.type : undefined;
    if (isContractTask(task) && expected === undefined) {
      const names = Object.keys(known).join(', ') || 'none';
      const given = side === 'input' ? `gives ${task} no ${quote(name)}` : `takes no ${quote(name)} from ${task}`;
      reading.complaints.error(volume.line, `MedPerf ${given}; it knows ${names}`, 'remove it');
      return [];
    }
    return readVolume(name, volume, `${where}.${name}`, expected, reading);
  });
}

function readVolume(
  name: string,
  entry: YamlEntry,
  where: string,
  expected: ValueKind | undefined,
  reading: ManifestReading,
): Volume[] {
  const { complaints } = reading;
  const { entries } = readSection(entry, where, reading);
  const mountPath = textOf(entries.get('mount_path'));
  const type = textOf(entries.get('type'));
  if (mountPath === null || !isPlainPath(mountPath)) {
    const found = mountPath === null ? 'is missing' : `is ${quote(mountPath)}`;
    complaints.error(
      entry.line,
      `mount_path of ${where} ${found}`,
      'write an absolute path of its own, such as /mlcommons/volumes/data, without a slash at its end',
    );
    return [];
  }
  if (type !== 'file' && type !== 'directory') {
    complaints.error(entry.line, `type of ${where} is ${quote(type ?? '')}`, 'write file or directory');
    return [];
  }
  if (expected !== undefined && type !== expected)
    complaints.error(
      entry.line,
      `${where} is a ${type}, and MedPerf has a ${expected} there`,
      `write type: ${expected}`,
    );
  return [{ name, mountPath, type, line: entry.line }];
}

function isPlainPath(path: string): boolean {
  const parts = path.split('/').slice(1);
  const isName = (part: string): boolean => part !== '' && part !== '.' && part !== '..' && part.length <= LONGEST_NAME;
  const isPlain = parts.every(isName) && !/\p{Cc}/u.test(path);
  const isTaken = SANDBOX_PLACES.some((place) => path === place || path.startsWith(`${place}/`));
  return path.startsWith('/') && isPlain && !isTaken && path !== TEMPORARY_FILES;
}

/** Inside a read-only mount no other one can be, and inside an output it would be taken for a part of it. */
function refuseSharedPlaces(task: string, volumes: readonly Volume[], complaints: Complaints): void {
  for (const [at, { name, mountPath, line }] of volumes.entries()) {
    const other = volumes.slice(0, at).find((earlier) => overlap(earlier.mountPath, mountPath));
    if (other === undefined) continue;
    const message = `${quote(other.name)} and ${quote(name)} of ${task} are mounted at one place, or one inside the other`;
    complaints.error(line, message, 'give each volume a place of its own');
  }
}

function overlap(one: string, other: string): boolean {
  return `${one}/`.startsWith(`${other}/`) || `${other}/`.startsWith(`${one}/`);
}

function textOf(entry: YamlEntry | undefined): string | null {
  return entry === undefined ? null : scalarText(entry.value);
}

/** What MedPerf, written in Python, writes of a value as we do: it has `True` for true. */
function unmistakableText(value: YamlValue): string | null {
  const isPlain = value.kind === 'scalar' && (typeof value.value === 'string' || Number.isSafeInteger(value.value));
  return isPlain ? scalarText(value) : null;
}

/** Numbers and words as they would be typed. */
function scalarText(value: YamlValue): string | null {
  return value.kind === 'scalar' && value.value !== null ? String(value.value) : null;
}
