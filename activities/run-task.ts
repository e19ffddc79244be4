import { MedperfError } from '../contract';
import type { Action, ActionResult, CacheMiss, Digest, Heartbeat, RunTaskInput, RunTaskResult } from '../contract';
import type { Engine, RunLimits } from '../engine/engine';
import { logTail } from '../engine/log-tail';
import type { TaskPlan } from '../mlcube/task-plan';
import type { Downloads } from '../store/downloads';
import type { Store } from '../store/store';
import { acceptOutputs } from './accept-outputs';
import { explainMiss, recordPastRun, recordRan } from './action-history';
import { actionKey } from './action-key';
import { keptUnder, originOf, reusableResult, taskResult } from './find-result';
import { planAction } from './plan-action';
import { repairContents } from './repair-contents';
import { recordDuration, usualSeconds } from './usual-duration';

/** Whether results are reusable by everybody who asks for the same action, or only by the user whose run made them. */
export type Reuse = 'across-users' | 'own';

export interface TaskRun {
  readonly store: Store;
  readonly downloads: Downloads;
  readonly engine: Engine;
  readonly limits: RunLimits;
  /** What the operator's policy gives to the task, whatever the run asks for. */
  readonly policyGpus: number;
  /** The policy's word on whose results may be reused. */
  readonly reuse: Reuse;
  /** The asking workflow's id, first run id and step. */
  readonly owner: string;
  readonly workflowId: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Counts from 1. */
  readonly attempt: number;
  readonly signal: AbortSignal;
  readonly tell: (details: Heartbeat) => void;
}

/** Runs one task of a cube, or takes the result of the same action that ran before. */
export async function runTask(run: TaskRun, input: RunTaskInput): Promise<RunTaskResult> {
  const { store } = run;
  // What an earlier attempt found missing or damaged.
  if (run.attempt > 1) await repairContents(run, { trees: [input.cube.tree, ...Object.values(input.inputs)] });
  const { action, plan } = await planAction(store, input);
  const key = actionKey(action);
  // Whose result it would be is not known.
  const isolated = run.reuse === 'own' && input.scope === null;
  // A step that must not reuse others' results still finds its own, should its answer have been lost.
  const alone = input.noCache || isolated;
  const kept = keptUnder(action, alone ? run.owner : input.scope);
  const known = await reusableResult(store, kept);
  if (known !== null) {
    // An earlier attempt may have recorded it and then died with its container still there.
    if (run.attempt > 1) await run.engine.release({ key, owner: run.owner });
    return taskResult(known, key, { reused: true, origin: await originOf(store, input, key, known) });
  }

  const miss: CacheMiss = input.noCache ? { reason: 'asked-for' } : await explainMiss(store, input, action);
  const usual = await usualSeconds(store, input);
  run.tell({ host: await run.engine.hostName(), miss, ...(usual === undefined ? {} : { usualSeconds: usual }) });
  const result = await runContainer(run, input, action, plan, key);
  const origin = { at: result.finishedAt, host: result.host, run: run.workflowId };
  const takers = [...(isolated ? [] : [input.scope]), ...(alone ? [run.owner] : [])];
  await Promise.all(takers.map((taker) => store.recordActionResult({ ...result, key: keptUnder(action, taker) })));
  await Promise.all([
    run.engine.release({ key, owner: run.owner }),
    ...(isolated ? [] : [recordPastRun(store, input, action, origin)]),
    recordRan(store, input.cube.tree, result.finishedAt),
    recordDuration(store, input, result.resources.wallSeconds),
  ]);
  return taskResult(result, key, { reused: false, origin, miss });
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
