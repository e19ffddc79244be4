import { createHash } from 'node:crypto';
import { canonicalJson } from '../contract';
import type { Action, Digest } from '../contract';

/** SHA-256 of the action's canonical text: the name under which its result is kept. */
export function actionKey(action: Action): Digest {
  return `sha256:${createHash('sha256').update(canonicalJson(action)).digest('hex')}`;
}
