import { createHash } from 'node:crypto';
import { canonicalJson } from '../contract';
import type { Action, Digest } from '../contract';

/** SHA-256 of a value's canonical text. */
export function digestOf(value: unknown): Digest {
  return `sha256:${createHash('sha256').update(canonicalJson(value)).digest('hex')}`;
}

/** SHA-256 of the action's canonical text: the name under which its result is kept. */
export function actionKey(action: Action): Digest {
  return digestOf(action);
}

/** The name of a result that only one user, or one step, may take. */
export function privateKey(action: Action, owner: string): Digest {
  return digestOf({ action, owner });
}
