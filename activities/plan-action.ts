import { z } from 'zod';
import { CONTRACT_VERSION, isDigest, MedperfError } from '../contract';
import type { Action, Digest, FindResultInput } from '../contract';
import { requireManifest } from '../mlcube/manifest';
import type { Manifest } from '../mlcube/manifest';
import { planTask, undecidedPaths } from '../mlcube/task-plan';
import type { CubeKinds, TaskPlan } from '../mlcube/task-plan';
import { HINTS } from '../store/store';
import type { Store } from '../store/store';
import { digestOf } from './action-key';

const MANIFEST_BYTES = 1024 * 1024;
/** Declared by some preparators only; MedPerf's contract lets a task leave them out. */
const OPTIONAL_INPUTS = new Set(['report_file', 'metadata_path']);

const digest = z.custom<Digest>(isDigest);
const text = z.string();
/** A plan with the cube's own trees filled in, so that it can be used where the cube's files are not. */
const RememberedPlanSchema = z.object({
  entrypoint: z.array(text).nullable(),
  command: z.array(text),
  environment: z.record(text, text),
  inputs: z.record(text, z.union([digest, z.object({ override: text, file: text.exactOptional() })])),
  outputs: z.record(text, z.object({ mount: text, file: text.exactOptional() })),
});
type RememberedPlan = z.infer<typeof RememberedPlanSchema>;
type PlannedTask = Omit<FindResultInput, 'scope'>;

/** Everything that decides what this run computes, as digests; read from the cube's files and remembered. */
export async function planAction(store: Store, input: PlannedTask): Promise<{ action: Action; plan: TaskPlan }> {
  const { cube, task } = input;
  const manifestFile = await store.lookUp(cube.tree, 'mlcube.yaml');
  if (manifestFile === null) throw new TypeError('a fetched cube without mlcube.yaml');
  const manifest = requireManifest((await store.readBytes(manifestFile.digest, MANIFEST_BYTES)).toString('utf8'));
  const parameters = Object.hasOwn(manifest.tasks, task) ? (manifest.tasks[task]?.inputs ?? []) : [];
  const declared = new Set(parameters.map(({ name }) => name));
  const given = Object.keys(input.inputs).filter((name) => declared.has(name) || !OPTIONAL_INPUTS.has(name));
  const overrides = new Set(given);
  const plan = planTask(manifest, task, overrides, await kindsInCube(store, cube.tree, manifest, task, overrides));
  const { entrypoint, command, environment, outputs } = plan;
  const inputs: RememberedPlan['inputs'] = {};
  for (const { mount, source } of plan.inputs) {
    inputs[mount] =
      source.from === 'cube'
        ? await folderOfCube(store, input, source.path)
        : { override: source.name, ...(source.file === undefined ? {} : { file: source.file }) };
  }
  const remembered = {
    entrypoint: entrypoint === null ? null : [...entrypoint],
    command: [...command],
    environment,
    inputs,
    outputs,
  };
  const action = await actionOf(store, input, remembered);
  if (action === null) throw lost();
  const known = await store.readRecord(recordName(input));
  if (known === null || digestOf(known) !== digestOf(remembered))
    await store.writeRecord(recordName(input), remembered);
  return { action, plan };
}

/** The same without the cube's files, from what an earlier run planned; null where there was none. */
export async function recallAction(store: Store, input: PlannedTask): Promise<Action | null> {
  const known = RememberedPlanSchema.safeParse(await store.readRecord(recordName(input)));
  return known.success ? actionOf(store, input, known.data) : null;
}

/** A plan is decided by the cube's tree, the task, the inputs that are given, and how we plan. */
function recordName({ cube, task, inputs }: PlannedTask): string {
  return `${HINTS}plans/${digestOf({ version: CONTRACT_VERSION, tree: cube.tree, task, given: Object.keys(inputs).sort() })}`;
}

/** Null when a file that makes a folder of its own is unknown here. */
async function actionOf(store: Store, input: PlannedTask, plan: RememberedPlan): Promise<Action | null> {
  const inputs: Record<string, Digest> = {};
  for (const [mount, source] of Object.entries(plan.inputs)) {
    const tree = typeof source === 'string' ? source : await overridden(store, input, source);
    if (tree === null) return null;
    inputs[mount] = tree;
  }
  const { entrypoint, command, environment, outputs } = plan;
  const { imageId } = input;
  return { version: CONTRACT_VERSION, imageId, entrypoint, command, environment, inputs, outputs };
}

async function overridden(
  store: Store,
  { inputs }: PlannedTask,
  { override, file }: { override: string; file?: string },
): Promise<Digest | null> {
  const given = inputs[override];
  if (given === undefined) throw new TypeError(`planned an override that was not given: ${override}`);
  return file === undefined ? given : oneFileTree(store, file, given);
}

/** Remembered, since making it takes the file's size, which only the file can tell. */
async function oneFileTree(store: Store, name: string, file: Digest): Promise<Digest | null> {
  const record = `${HINTS}one-file-trees/${digestOf({ name, file })}`;
  const size = await store.sizeOf(file);
  if (size === null) {
    const known = digest.safeParse(await store.readRecord(record));
    return known.success ? known.data : null;
  }
  const { digest: tree } = await store.composeTree({ [name]: { kind: 'file', digest: file, size, executable: false } });
  if ((await store.readRecord(record)) !== tree) await store.writeRecord(record, tree);
  return tree;
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

async function folderOfCube(store: Store, { cube, task }: PlannedTask, path: string): Promise<Digest> {
  const entry = await store.lookUp(cube.tree, path);
  if (entry?.kind === 'directory') return entry.digest;
  throw new MedperfError('InvalidManifest', {
    what: `The task ${task} of ${cube.name} reads ${path}.`,
    expected: 'a folder of the cube; only workspace/parameters.yaml and workspace/additional_files/ travel with it',
    found: entry === null ? 'nothing at that path' : 'a file',
    next: 'put what the task needs into workspace/additional_files/ and name it there in mlcube.yaml.',
  });
}

function lost(): MedperfError {
  return new MedperfError('StoreUnavailable', {
    what: 'The store has lost a file that an earlier step wrote.',
    next: 'run the test again with --no-cache.',
  });
}
