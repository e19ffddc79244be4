import { hostedFileNames } from '../contract';
import type { CubeFormat, Digest, FindResultInput } from '../contract';
import { requireContainerDefinition } from '../mlcube/container-definition';
import { planContainerTask } from '../mlcube/container-plan';
import { requireManifest } from '../mlcube/manifest';
import type { Manifest } from '../mlcube/manifest';
import { planTask, undecidedPaths } from '../mlcube/task-plan';
import type { CubeKinds, TaskPlan } from '../mlcube/task-plan';
import type { Store } from '../store/store';
import { MANIFEST_BYTES } from './cube-files';

/** Declared by some preparators only; MedPerf's contract lets a task leave them out. */
const OPTIONAL_INPUTS = new Set(['report_file', 'metadata_path']);

type CubeTask = Pick<FindResultInput, 'cube' | 'task' | 'inputs'>;

/** What describes the cube in its tree; null where that part of the tree is not in the store. */
export async function manifestOf(
  store: Store,
  tree: Digest,
): Promise<{ readonly format: CubeFormat; readonly digest: Digest } | null> {
  const manifest = await store.lookUp(tree, hostedFileNames.manifest);
  if (manifest !== null) return { format: 'mlcube', digest: manifest.digest };
  const config = await store.lookUp(tree, hostedFileNames.containerConfig);
  return config === null ? null : { format: 'container', digest: config.digest };
}

/** Plans a run of a cube's task, however the cube is described. */
export async function planCubeTask(store: Store, { cube, task, inputs }: CubeTask): Promise<TaskPlan> {
  const found = await manifestOf(store, cube.tree);
  if (found === null) throw new TypeError('a fetched cube without anything that describes it');
  const text = (await store.readBytes(found.digest, MANIFEST_BYTES)).toString('utf8');
  if (found.format === 'container')
    return planContainerTask(requireContainerDefinition(text), task, new Set(Object.keys(inputs)));
  const manifest = requireManifest(text);
  const parameters = Object.hasOwn(manifest.tasks, task) ? (manifest.tasks[task]?.inputs ?? []) : [];
  const declared = new Set(parameters.map(({ name }) => name));
  const overrides = new Set(Object.keys(inputs).filter((name) => declared.has(name) || !OPTIONAL_INPUTS.has(name)));
  return planTask(manifest, task, overrides, await kindsInCube(store, cube.tree, manifest, task, overrides));
}

async function kindsInCube(
  store: Store,
  tree: Digest,
  manifest: Manifest,
  task: string,
  overrides: ReadonlySet<string>,
): Promise<CubeKinds> {
  const kinds = new Map<string, 'file' | 'directory'>();
  for (const path of undecidedPaths(manifest, task, overrides)) {
    const entry = await store.lookUp(tree, path);
    if (entry !== null) kinds.set(path, entry.kind);
  }
  return kinds;
}
