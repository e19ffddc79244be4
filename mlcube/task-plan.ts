import { posix } from 'node:path';
import { MedperfError } from '../contract';
import type { ActionOutput } from '../contract';
import type { Manifest, Parameter, TaskDefinition } from './manifest';
import { shellWords } from './shell-words';

const WORKSPACE = 'workspace';

/** Where the tree mounted at an input comes from. */
export type InputSource =
  | { readonly from: 'cube'; /** Folder relative to the cube, below `workspace`. */ readonly path: string }
  | {
      readonly from: 'override';
      /** The input whose given tree, or blob, is mounted. */
      readonly name: string;
      /** The blob's name in its folder, for an input that is one file. */
      readonly file?: string;
    };

export interface InputMount {
  readonly mount: string;
  readonly source: InputSource;
}

/** One run of a task, without host paths. */
export interface TaskPlan {
  readonly task: string;
  readonly entrypoint: readonly string[] | null;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly shmBytes?: number;
  readonly inputs: readonly InputMount[];
  readonly outputs: Readonly<Record<string, ActionOutput>>;
}

/**
 * Plans a run as MLCube's Docker runner would mount and call it (reference: mlcube.md, parts 3 and 4): mounts numbered by
 * distinct folder, inputs first; a file's folder is mounted. Differences, for safety: every input is read-only, every
 * output has a folder of its own, and a one-word entry point keeps its parameters.
 *
 * @param overrides names of the inputs that the caller gives.
 * @param folders paths, relative to the cube, of inputs of unstated type that are folders there.
 * @throws MedperfError `InvalidManifest` for a missing task or a path outside the workspace, `InvalidRequest` for an
 * input that the task does not have.
 */
export function planTask(
  manifest: Manifest,
  task: string,
  overrides: ReadonlySet<string>,
  folders: ReadonlySet<string> = new Set(),
): TaskPlan {
  const definition = requireTask(manifest, task);
  refuseUnknown(definition, overrides);
  const mounts = new MountNumbers(folders);
  const inputs = definition.inputs.map((input) => mounts.input(input, overrides.has(input.name)));
  const outputs = definition.outputs.map((output) => mounts.output(output));
  const parameters = [...inputs, ...outputs].map(({ name, path }) => `--${name}=${path}`);
  const { environment = {}, shmBytes } = manifest.docker?.arguments ?? {};
  return {
    task,
    ...call(definition, parameters),
    environment,
    ...(shmBytes === undefined ? {} : { shmBytes }),
    inputs: mounts.inputs,
    outputs: mounts.outputs,
  };
}

function requireTask(manifest: Manifest, task: string): TaskDefinition {
  const definition = Object.hasOwn(manifest.tasks, task) ? manifest.tasks[task] : undefined;
  if (definition !== undefined) return definition;
  throw new MedperfError('InvalidManifest', {
    what: `mlcube.yaml of ${manifest.name || 'the cube'} has no task ${task}.`,
    expected: `tasks.${task}`,
    found: Object.keys(manifest.tasks).join(', ') || 'no tasks',
    next: `add the task, or use this cube for what it is.`,
  });
}

function refuseUnknown({ name, inputs }: TaskDefinition, overrides: ReadonlySet<string>): void {
  const known = inputs.map((input) => input.name);
  const unknown = [...overrides].filter((override) => !known.includes(override));
  if (unknown.length === 0) return;
  throw new MedperfError('IncompatibleModel', {
    what: `The task ${name} does not take what the benchmark gives it.`,
    expected: `an input named ${unknown.join(', ')}`,
    found: known.join(', ') || 'no inputs',
    next: `declare it in mlcube.yaml, under tasks.${name}.parameters.inputs.`,
  });
}

/** With an entry point the task's name is not passed. */
function call(
  { name, entrypoint }: TaskDefinition,
  parameters: readonly string[],
): Pick<TaskPlan, 'entrypoint' | 'command'> {
  const words = entrypoint === undefined ? [] : (shellWords(entrypoint) ?? []);
  if (words.length === 0) return { entrypoint: null, command: [name, ...parameters] };
  return { entrypoint: words.slice(0, 1), command: [...words.slice(1), ...parameters] };
}

/** Gives each distinct folder the next `/mlcube_ioN`. */
class MountNumbers {
  readonly inputs: InputMount[] = [];
  readonly outputs: Record<string, ActionOutput> = {};
  private readonly shared = new Map<string, string>();
  private next = 0;

  constructor(private readonly folders: ReadonlySet<string>) {}

  input(parameter: Parameter, given: boolean): { name: string; path: string } {
    const { name } = parameter;
    if (given) {
      const file = isFileGiven(parameter) ? posix.basename(parameter.default) : undefined;
      const mount = this.number();
      this.inputs.push({ mount, source: { from: 'override', name, ...(file === undefined ? {} : { file }) } });
      return { name, path: join(mount, file) };
    }
    const path = workspacePath(parameter);
    const isFolder = parameter.type === 'directory' || (parameter.type === 'unknown' && this.folders.has(path));
    const file = isFolder ? undefined : fileName(parameter, path);
    const folder = file === undefined ? path : posix.dirname(path);
    return { name, path: join(this.cubeFolder(folder), file) };
  }

  output(parameter: Parameter): { name: string; path: string } {
    const { name } = parameter;
    const path = workspacePath(parameter);
    const file = parameter.type === 'file' ? fileName(parameter, path) : undefined;
    const mount = this.number();
    this.outputs[name] = { mount, ...(file === undefined ? {} : { file }) };
    return { name, path: join(mount, file) };
  }

  private cubeFolder(path: string): string {
    const known = this.shared.get(path);
    if (known !== undefined) return known;
    const mount = this.number();
    this.shared.set(path, mount);
    this.inputs.push({ mount, source: { from: 'cube', path } });
    return mount;
  }

  private number(): string {
    return `/mlcube_io${this.next++}`;
  }
}

/** Of an unstated type, MLCube looks at what is given; by its default's ending we know without looking. */
function isFileGiven({ type, default: path }: Parameter): boolean {
  return type === 'file' || (type === 'unknown' && posix.extname(path) !== '');
}

function join(mount: string, file: string | undefined): string {
  return file === undefined ? mount : `${mount}/${file}`;
}

/** The parameter's path relative to the cube; never outside its workspace. */
export function workspacePath({ name, default: path, line }: Parameter): string {
  const normal = posix.normalize(path).replace(/\/+$/, '');
  const outside = path.includes('\0') || posix.isAbsolute(normal) || /^[~$]/.test(path) || /^\.\.(\/|$)/.test(normal);
  if (!outside) return posix.join(WORKSPACE, normal);
  throw badPath({ name, default: path, line }, 'leads out of the cube');
}

function fileName(parameter: Parameter, path: string): string {
  if (path === WORKSPACE) throw badPath(parameter, 'names the workspace itself and not a file in it');
  return posix.basename(path);
}

function badPath(
  { name, default: path, line }: { name: string; default: string; line?: number | undefined },
  complaint: string,
): MedperfError {
  return new MedperfError('InvalidManifest', {
    what: `mlcube.yaml${line === undefined ? '' : `:${line}`}: the path of ${name} ${complaint}.`,
    expected: `a path below ${WORKSPACE}/`,
    found: JSON.stringify(path),
    next: `write a path relative to ${WORKSPACE}/, without .. and without variables.`,
  });
}
