import type { CubeFormat, Digest, FindResultInput } from '../contract';
import { requireContainerDefinition } from '../mlcube/container-definition';
import { planContainerTask } from '../mlcube/container-plan';
import { requireManifest } from '../mlcube/manifest';
import { planTask, undecidedPaths } from '../mlcube/task-plan';
import type { CubeKinds, TaskPlan } from '../mlcube/task-plan';
import { DESCRIPTIONS } from '../mlcube/written-cube';
import type { Store } from '../store/store';
import { descriptionText } from './cube-files';

/** Declared by some preparators only; MedPerf's contract lets a task leave them out. */
export const OPTIONAL_INPUTS: ReadonlySet<string> = new Set(['report_file', 'metadata_path']);

type CubeTask = Pick<FindResultInput, 'cube' | 'task' | 'inputs'>;

/** A cube's `mlcube.yaml` or `container_config.yaml`. */
export interface CubeDescription {
  readonly format: CubeFormat;
  readonly text: string;
}

interface DescriptionFile {
  readonly format: CubeFormat;
  readonly digest: Digest;
}

/** The file that describes a cube; null where the store does not have it: a cube may be known from records alone. */
export async function knownDescriptionFile(store: Store, tree: Digest): Promise<DescriptionFile | null> {
  if (!(await store.has(tree))) return null;
  const file = await descriptionFile(store, tree);
  return file === null || !(await store.has(file.digest)) ? null : file;
}

export async function readDescription(store: Store, { format, digest }: DescriptionFile): Promise<CubeDescription> {
  return { format, text: await descriptionText(store, digest) };
}

async function descriptionFile(store: Store, tree: Digest): Promise<DescriptionFile | null> {
  for (const format of ['mlcube', 'container'] as const) {
    const entry = await store.lookUp(tree, DESCRIPTIONS[format]);
    if (entry !== null) return { format, digest: entry.digest };
  }
  return null;
}

/** Plans a run of a task of a cube whose files were fetched. */
export async function planCubeTask(store: Store, { cube, task, inputs }: CubeTask): Promise<TaskPlan> {
  const file = await descriptionFile(store, cube.tree);
  if (file === null) throw new TypeError('a fetched cube without anything that describes it');
  const description = await readDescription(store, file);
  const kindsOf = (paths: readonly string[]): Promise<CubeKinds> => kindsInCube(store, cube.tree, paths);
  return planDescribed(description, task, new Set(Object.keys(inputs)), kindsOf);
}

/**
 * Plans a run of a task, however the cube is described.
 * @param given names of the inputs that the run brings.
 * @param kindsOf what stands at paths of the cube's folder.
 */
export async function planDescribed(
  { format, text }: CubeDescription,
  task: string,
  given: ReadonlySet<string>,
  kindsOf: (paths: readonly string[]) => Promise<CubeKinds>,
): Promise<TaskPlan> {
  if (format === 'container') return planContainerTask(requireContainerDefinition(text), task, given);
  const manifest = requireManifest(text);
  const parameters = Object.hasOwn(manifest.tasks, task) ? (manifest.tasks[task]?.inputs ?? []) : [];
  const declared = new Set(parameters.map(({ name }) => name));
  const overrides = new Set([...given].filter((name) => declared.has(name) || !OPTIONAL_INPUTS.has(name)));
  return planTask(manifest, task, overrides, await kindsOf(undecidedPaths(manifest, task, overrides)));
}

async function kindsInCube(store: Store, tree: Digest, paths: readonly string[]): Promise<CubeKinds> {
  const kinds = new Map<string, 'file' | 'directory'>();
  for (const path of paths) {
    const entry = await store.lookUp(tree, path);
    if (entry !== null) kinds.set(path, entry.kind);
  }
  return kinds;
}
