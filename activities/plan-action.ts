import { z } from 'zod';
import { CONTRACT_VERSION, isDigest, MedperfError } from '../contract';
import type { Action, Digest, FindResultInput } from '../contract';
import type { TaskPlan } from '../mlcube/task-plan';
import { HINTS } from '../store/store';
import type { Store, TreeEntry } from '../store/store';
import { digestOf } from './action-key';
import { planCubeTask } from './plan-cube-task';

const digest = z.custom<Digest>(isDigest);
const text = z.string();
const InputsSchema = z.record(text, z.union([digest, z.strictObject({ override: text, file: text.exactOptional() })]));
/** A plan with the cube's own contents filled in, so that it can be used where the cube's files are not. */
const RememberedPlanSchema = z.strictObject({
  entrypoint: z.array(text).nullable(),
  command: z.array(text),
  environment: z.record(text, text),
  inputs: InputsSchema,
  /** Files that are mounted by themselves. */
  inputFiles: InputsSchema.exactOptional(),
  outputs: z.record(
    text,
    z.strictObject({ mount: text, file: text.exactOptional(), touched: z.literal(true).exactOptional() }),
  ),
});
type RememberedPlan = z.infer<typeof RememberedPlanSchema>;
type PlannedTask = Omit<FindResultInput, 'scope'>;

/** Everything that decides what this run computes, as digests; read from the cube's files and remembered. */
export async function planAction(store: Store, input: PlannedTask): Promise<{ action: Action; plan: TaskPlan }> {
  const plan = await planCubeTask(store, input);
  const { entrypoint, command, environment, outputs } = plan;
  const inputs: RememberedPlan['inputs'] = {};
  const inputFiles: RememberedPlan['inputs'] = {};
  for (const { mount, source, isFile = false } of plan.inputs) {
    (isFile ? inputFiles : inputs)[mount] =
      source.from === 'cube'
        ? await contentOfCube(store, input, source.path, isFile ? 'file' : 'directory')
        : { override: source.name, ...(source.file === undefined ? {} : { file: source.file }) };
  }
  const remembered = {
    entrypoint: entrypoint === null ? null : [...entrypoint],
    command: [...command],
    environment,
    inputs,
    ...(Object.keys(inputFiles).length === 0 ? {} : { inputFiles }),
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
  const inputs = await contentsOf(store, input, plan.inputs);
  const inputFiles = await contentsOf(store, input, plan.inputFiles ?? {});
  if (inputs === null || inputFiles === null) return null;
  const { entrypoint, command, environment, outputs } = plan;
  const { imageId } = input;
  const files = Object.keys(inputFiles).length === 0 ? {} : { inputFiles };
  return { version: CONTRACT_VERSION, imageId, entrypoint, command, environment, inputs, ...files, outputs };
}

async function contentsOf(
  store: Store,
  input: PlannedTask,
  sources: RememberedPlan['inputs'],
): Promise<Record<string, Digest> | null> {
  const contents: Record<string, Digest> = {};
  for (const [mount, source] of Object.entries(sources)) {
    const content = typeof source === 'string' ? source : await overridden(store, input, source);
    if (content === null) return null;
    contents[mount] = content;
  }
  return contents;
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

async function contentOfCube(
  store: Store,
  { cube, task }: PlannedTask,
  path: string,
  kind: TreeEntry['kind'],
): Promise<Digest> {
  const entry = await store.lookUp(cube.tree, path);
  if (entry?.kind === kind) return entry.digest;
  throw new MedperfError('InvalidManifest', {
    what: `The task ${task} of ${cube.name} reads ${path}.`,
    expected: `a ${kind} of the cube; only workspace/parameters.yaml and workspace/additional_files/ travel with it`,
    found: entry === null ? 'nothing at that path' : `a ${entry.kind}`,
    next: 'put what the task needs into workspace/additional_files/ and name it there.',
  });
}

function lost(): MedperfError {
  return new MedperfError('StoreUnavailable', {
    what: 'The store has lost a file that an earlier step wrote.',
    next: 'run the test again with --no-cache.',
  });
}
