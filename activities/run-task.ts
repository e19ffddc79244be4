import { actionKey } from './action-key';
import { CONTRACT_VERSION, MedperfError } from '../contract';
import type { Action, ActionResult, Digest, Heartbeat, RunTaskInput, RunTaskResult } from '../contract';
import type { Engine, RunLimits } from '../engine/engine';
import { logTail } from '../engine/log-tail';
import { requireManifest } from '../mlcube/manifest';
import { planTask, undecidedPaths } from '../mlcube/task-plan';
import type { CubeKinds, TaskPlan } from '../mlcube/task-plan';
import type { Manifest } from '../mlcube/manifest';
import type { Store } from '../store/store';
import { acceptOutputs } from './accept-outputs';
import { recordDuration, usualSeconds } from './usual-duration';

const MANIFEST_BYTES = 1024 * 1024;
/** Declared by some preparators only; MedPerf's contract lets a task leave them out. */
const OPTIONAL_INPUTS = new Set(['report_file', 'metadata_path']);

export interface TaskRun {
  readonly store: Store;
  readonly engine: Engine;
  readonly limits: RunLimits;
  /** What the operator's policy gives to the task, whatever the run asks for. */
  readonly policyGpus: number;
  /** The asking workflow's id, first run id and step. */
  readonly owner: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Counts from 1. */
  readonly attempt: number;
  readonly signal: AbortSignal;
  readonly tell: (details: Heartbeat) => void;
}

/** Runs one task of a cube, or takes the result of the same action that ran before. */
export async function runTask(run: TaskRun, input: RunTaskInput): Promise<RunTaskResult> {
  const { action, plan } = await planAction(run.store, input);
  const key = actionKey(action);
  // A step that must not reuse others' results still finds its own, should its answer have been lost.
  const ownKey = actionKey({ ...action, environment: { ...action.environment, 'medperf.owner': run.owner } });
  const known = await run.store.findActionResult(input.noCache ? ownKey : key);
  if (known?.exitCode === 0) {
    // An earlier attempt may have recorded it and then died with its container still there.
    if (run.attempt > 1) await run.engine.release({ key, owner: run.owner });
    return taskResult(known, key, true);
  }

  const usual = await usualSeconds(run.store, input);
  run.tell({ host: await run.engine.hostName(), ...(usual === undefined ? {} : { usualSeconds: usual }) });
  const result = await runContainer(run, input, action, plan, key);
  await run.store.recordActionResult(result);
  if (input.noCache) await run.store.recordActionResult({ ...result, key: ownKey });
  await run.engine.release({ key, owner: run.owner });
  await recordDuration(run.store, input, result.resources.wallSeconds);
  return taskResult(result, key, false);
}

async function runContainer(
  run: TaskRun,
  input: RunTaskInput,
  action: Action,
  plan: TaskPlan,
  key: Digest,
): Promise<ActionResult> {
  const { engine, owner, labels, limits, policyGpus, signal, tell } = run;
  const shm = plan.shmBytes === undefined ? {} : { shmBytes: Math.min(plan.shmBytes, limits.shmBytes) };
  try {
    const result = await engine.run({
      key,
      action,
      owner,
      labels,
      gpus: Math.max(input.gpus, policyGpus),
      limits: { ...limits, ...shm },
      signal,
      onProgress: tell,
    });
    if (result.exitCode !== 0) throw await containerFailed(run.store, input, result);
    await acceptOutputs(run.store, input, result.outputs);
    return result;
  } catch (error) {
    if (error instanceof MedperfError && (error.type === 'ContainerFailed' || error.type === 'IncompatibleModel')) {
      await engine.release({ key, owner });
    }
    throw error;
  }
}

async function containerFailed(
  store: Store,
  { cube, task }: RunTaskInput,
  result: ActionResult,
): Promise<MedperfError> {
  return new MedperfError('ContainerFailed', {
    what: `The task ${task} of ${cube.name} ended with an error.`,
    expected: 'exit code 0',
    found: `exit code ${result.exitCode}`,
    next: `mend the cube; the log below says what its program complained about.`,
    log: await logTail(store, result.log.digest),
  });
}

/** Everything that decides what this run computes, as digests. */
export async function planAction(store: Store, input: RunTaskInput): Promise<{ action: Action; plan: TaskPlan }> {
  const { cube, task, imageId } = input;
  const manifestFile = await store.lookUp(cube.tree, 'mlcube.yaml');
  if (manifestFile === null) throw new TypeError('a fetched cube without mlcube.yaml');
  const manifest = requireManifest((await store.readBytes(manifestFile.digest, MANIFEST_BYTES)).toString('utf8'));
  const parameters = Object.hasOwn(manifest.tasks, task) ? (manifest.tasks[task]?.inputs ?? []) : [];
  const declared = new Set(parameters.map(({ name }) => name));
  const given = Object.keys(input.inputs).filter((name) => declared.has(name) || !OPTIONAL_INPUTS.has(name));
  const overrides = new Set(given);
  const plan = planTask(manifest, task, overrides, await kindsInCube(store, cube.tree, manifest, task, overrides));
  const inputs: Record<string, Digest> = {};
  for (const mount of plan.inputs) inputs[mount.mount] = await mountedTree(store, input, mount);
  const { entrypoint, command, environment, outputs } = plan;
  return { action: { version: CONTRACT_VERSION, imageId, entrypoint, command, environment, inputs, outputs }, plan };
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

async function mountedTree(
  store: Store,
  { cube, inputs, task }: RunTaskInput,
  { source }: TaskPlan['inputs'][number],
): Promise<Digest> {
  if (source.from === 'override') {
    const digest = inputs[source.name];
    if (digest === undefined) throw new TypeError(`planned an override that was not given: ${source.name}`);
    return source.file === undefined ? digest : oneFileTree(store, source.file, digest);
  }
  const entry = await store.lookUp(cube.tree, source.path);
  if (entry?.kind === 'directory') return entry.digest;
  throw new MedperfError('InvalidManifest', {
    what: `The task ${task} of ${cube.name} reads ${source.path}.`,
    expected: 'a folder of the cube; only workspace/parameters.yaml and workspace/additional_files/ travel with it',
    found: entry === null ? 'nothing at that path' : 'a file',
    next: 'put what the task needs into workspace/additional_files/ and name it there in mlcube.yaml.',
  });
}

async function oneFileTree(store: Store, name: string, digest: Digest): Promise<Digest> {
  const size = await store.sizeOf(digest);
  if (size === null)
    throw new MedperfError('StoreUnavailable', {
      what: `The store has lost ${digest}.`,
      next: 'run the test again with --no-cache.',
    });
  return (await store.composeTree({ [name]: { kind: 'file', digest, size, executable: false } })).digest;
}

function taskResult(result: ActionResult, key: Digest, reused: boolean): RunTaskResult {
  const { outputs, log, host, resources } = result;
  return { key, outputs, log: log.digest, host, reused, resources };
}
