import type { Action, ActionResult, Digest, FindResultInput, ResultOrigin, RunTaskResult } from '../contract';
import type { Store } from '../store/store';
import { originRun } from './action-history';
import { actionKey, privateKey } from './action-key';
import { planAction, recallAction } from './plan-action';
import { knownDescriptionFile } from './plan-cube-task';

/**
 * Asks the cache with what is known without the cube's files, its image or a host. Null where that does not tell the
 * action, or where the action has no result.
 */
export async function findResult(store: Store, input: FindResultInput): Promise<RunTaskResult | null> {
  const action = (await recallAction(store, input)) ?? (await plannedHere(store, input));
  if (action === null) return null;
  const known = await reusableResult(store, keptUnder(action, input.scope));
  if (known === null) return null;
  const key = actionKey(action);
  return taskResult(known, key, { reused: true, origin: await originOf(store, input, key, known) });
}

/** Of a run that succeeded, and whose outputs are all there; else it has to run again. */
export async function reusableResult(store: Store, key: Digest): Promise<ActionResult | null> {
  const known = await store.findActionResult(key);
  if (known?.exitCode !== 0) return null;
  const whole = await Promise.all(Object.values(known.outputs).map((output) => store.isWhole(output)));
  return whole.every(Boolean) ? known : null;
}

async function plannedHere(store: Store, input: FindResultInput): Promise<Action | null> {
  if ((await knownDescriptionFile(store, input.cube.tree)) === null) return null;
  return (await planAction(store, input)).action;
}

/** @param owner whose result it is, or null for one that everybody may take. */
export function keptUnder(action: Action, owner: string | null): Digest {
  return owner === null ? actionKey(action) : privateKey(action, owner);
}

export async function originOf(
  store: Store,
  input: FindResultInput,
  key: Digest,
  { finishedAt, host }: ActionResult,
): Promise<ResultOrigin> {
  const run = await originRun(store, input, key, finishedAt);
  return { at: finishedAt, host, ...(run === undefined ? {} : { run }) };
}

export function taskResult(
  { outputs, log, host, resources }: ActionResult,
  key: Digest,
  how: Pick<RunTaskResult, 'reused' | 'origin' | 'miss'>,
): RunTaskResult {
  return { key, outputs, log: log.digest, host, resources, ...how };
}
