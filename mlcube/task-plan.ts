import { MedperfError } from '../contract';
import type { ActionOutput } from '../contract';
import { Complaints, quote } from './complaints';
import { checkKinds, contractKind, fileName } from './contract-kinds';
import { refuseErrors } from './manifest';
import type { Manifest } from './manifest';
import type { ValueKind } from './task-contract';
import type { Parameter, TaskSection } from './task-section';
import { baseName, parentPath, workspacePath } from './workspace-path';

/** Where a mounted directory comes from; no host paths. */
export type MountSource =
  | {
      readonly from: 'cube';
      /** A directory of the cube's folder, `workspace` or below; or a file, where that is mounted by itself. */
      readonly path: string;
    }
  | {
      readonly from: 'override';
      /** The input whose value the caller brings. */
      readonly name: string;
      /** For a file: the name it has in the mounted directory. */
      readonly file?: string;
    };

export interface InputMount {
  /** Mount target, read-only: `/mlcube_ioN`, or what a container_config names. */
  readonly mount: string;
  readonly source: MountSource;
  /** True for a file that is mounted by itself. */
  readonly isFile?: boolean;
}

/** One run of a task, as far as the manifest decides it; see `Action`. */
export interface TaskPlan {
  readonly task: string;
  readonly entrypoint: readonly string[] | null;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly shmBytes?: number;
  readonly inputs: readonly InputMount[];
  readonly outputs: Readonly<Record<string, ActionOutput>>;
  readonly wantsGpu: boolean;
}

/** What stands at a path of the cube's folder, for {@link planTask}. */
export type CubeKinds = ReadonlyMap<string, ValueKind>;

/**
 * Plans a run of a task: mounts, arguments and their order are MLCube's (reference: mlcube.md, parts 3 and 4), with
 * these differences: paths of the cube are compared normalised; every override has a mount of its own; every output has
 * one too, also where MLCube would let it share a (then writable) directory with an input.
 *
 * @param overrides names of the inputs whose value the caller brings.
 * @param kinds what stands at the paths that {@link undecidedPaths} names. For a path that is not in it, a name with an
 *   extension is taken for a file.
 * @throws MedperfError `InvalidManifest` with every finding.
 */
export function planTask(
  manifest: Manifest,
  task: string,
  overrides: ReadonlySet<string>,
  kinds: CubeKinds = new Map(),
): TaskPlan {
  const section = requireTask(manifest, task);
  refuseUnknownOverrides(manifest, task, section, overrides);
  const complaints = new Complaints(manifest.file);
  checkKinds(task, section, complaints);
  const mounts = new Mounts();
  const values = section.inputs.map((input) => {
    const place = overrides.has(input.name) ? overridden(task, input) : inCube(task, input, kinds, complaints);
    return place === null ? '' : argument(input, mounts.input(place.source), place.file);
  });
  const outputs = Object.fromEntries(section.outputs.map((output) => [output.name, mounts.output(output)]));
  for (const output of section.outputs)
    values.push(argument(output, outputs[output.name]?.mount ?? '', fileOf(output)));
  refuseErrors(`The task ${task} of ${manifest.file} cannot be run.`, complaints.findings);

  const { environment = {}, wantsGpu = false, ...shm } = manifest.docker?.arguments ?? {};
  return {
    task,
    ...commandLine(task, section, values),
    environment,
    ...shm,
    inputs: mounts.inputs,
    outputs,
    wantsGpu: wantsGpu || manifest.accelerators.count > 0,
  };
}

/**
 * Paths of the cube's folder that a task reads by default without saying whether they are files or directories: as in
 * MLCube, what stands there decides. Look them up in the cube's tree and give {@link planTask} the answer.
 */
export function undecidedPaths(manifest: Manifest, task: string, overrides: ReadonlySet<string>): string[] {
  return requireTask(manifest, task).inputs.flatMap(({ name, type, default: written }) => {
    const resolved = workspacePath(written);
    return type === 'unknown' && !overrides.has(name) && 'path' in resolved ? [resolved.path] : [];
  });
}

function requireTask(manifest: Manifest, task: string): TaskSection {
  const section = Object.hasOwn(manifest.tasks, task) ? manifest.tasks[task] : undefined;
  if (section !== undefined) return section;
  throw new MedperfError('InvalidManifest', {
    what: `${manifest.file} has no task ${task}.`,
    expected: `tasks.${task}`,
    found: Object.keys(manifest.tasks).join(', ') || 'no tasks',
    next: 'add the task to the manifest, or use a cube of the right type.',
  });
}

function refuseUnknownOverrides(
  manifest: Manifest,
  task: string,
  { inputs, line }: TaskSection,
  overrides: ReadonlySet<string>,
): void {
  const complaints = new Complaints(manifest.file);
  for (const name of overrides) {
    if (inputs.some((input) => input.name === name)) continue;
    const found = inputs.map((input) => input.name).join(', ') || 'none';
    complaints.error(
      line,
      `the task ${task} has no input ${quote(name)}; it has ${found}`,
      'declare it under its inputs',
    );
  }
  refuseErrors(`The task ${task} of ${manifest.file} does not take what it is given.`, complaints.findings);
}

interface Place {
  readonly source: MountSource;
  readonly file: string | null;
}

function overridden(task: string, { name, type, default: path }: Parameter): Place {
  const kind = type === 'unknown' ? (contractKind(task, 'inputs', name) ?? 'directory') : type;
  if (kind === 'directory') return { source: { from: 'override', name }, file: null };
  // The default's directory may be anything: only its last part, if it has one, names the file.
  const file = fileName(path.replace(/^.*[/\\]/s, '')) ?? name;
  return { source: { from: 'override', name, file }, file };
}

/** A file parameter mounts its parent directory, siblings and all; null after a complaint. */
function inCube(task: string, input: Parameter, kinds: CubeKinds, complaints: Complaints): Place | null {
  const resolved = workspacePath(input.default);
  if ('problem' in resolved) {
    const message = `the input ${input.name} of ${task}, ${quote(input.default)}, ${resolved.problem}`;
    complaints.error(input.line, message, 'name something inside the workspace, relative to it');
    return null;
  }
  const { path } = resolved;
  const kind = input.type === 'unknown' ? (kinds.get(path) ?? likelyKind(path)) : input.type;
  if (kind === 'directory') return { source: { from: 'cube', path }, file: null };
  const file = fileName(input.default);
  if (file !== null) return { source: { from: 'cube', path: parentPath(path) }, file };
  complaints.error(
    input.line,
    `the input ${input.name} of ${task}, ${quote(input.default)}, names no file`,
    'name the file',
  );
  return null;
}

function likelyKind(path: string): ValueKind {
  return /[^.]\.[^.]+$/.test(baseName(path) ?? '') ? 'file' : 'directory';
}

/** Numbers mounts as they are first needed. */
class Mounts {
  readonly inputs: InputMount[] = [];
  private readonly ofPath = new Map<string, string>();
  private count = 0;

  input(source: MountSource): string {
    const known = source.from === 'cube' ? this.ofPath.get(source.path) : undefined;
    if (known !== undefined) return known;
    const mount = this.next();
    this.inputs.push({ mount, source });
    if (source.from === 'cube') this.ofPath.set(source.path, mount);
    return mount;
  }

  output(output: Parameter): ActionOutput {
    const file = fileOf(output);
    return { mount: this.next(), ...(file === null ? {} : { file }) };
  }

  private next(): string {
    return `/mlcube_io${this.count++}`;
  }
}

function fileOf({ type, default: path }: Parameter): string | null {
  return type === 'file' ? fileName(path) : null;
}

function argument({ name }: Parameter, mount: string, file: string | null): string {
  return `--${name}=${mount}${file === null ? '' : `/${file}`}`;
}

/** With an entrypoint the task's name is not passed; one of a single word gets no parameters, as in MLCube. */
function commandLine(
  task: string,
  { entrypoint }: TaskSection,
  values: readonly string[],
): Pick<TaskPlan, 'entrypoint' | 'command'> {
  if (entrypoint === undefined) return { entrypoint: null, command: [task, ...values] };
  const [program, ...rest] = entrypoint;
  return { entrypoint: [program], command: rest.length === 0 ? [] : [...rest, ...values] };
}
