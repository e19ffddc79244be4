import { now } from '../clock';
import type { Derivation, Rule } from '../resource';
import { isObject } from '../validation';

const PARTS = { CONTAINER: ['container', 'asset'], ASSET: ['asset', 'container'] } as const;

/** A model consists of exactly what its type says, in the same state and as valid as itself. */
export const oneMatchingPart: Rule = ({ values }) => {
  const [own, other] = values.type === 'ASSET' ? PARTS.ASSET : PARTS.CONTAINER;
  const part = values[own];
  if (!isObject(part)) return `${capital(own)} data required.`;
  if (values[other] !== null) return `${capital(other)} must not be provided.`;
  if (part.state !== values.state) return 'Model state must match the state of its container or asset.';
  return part.is_valid === values.is_valid ? null : 'Model validity must match the validity of its container or asset.';
};

function capital(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}

export const notFinalized: Rule = ({ existing }) =>
  existing?.finalized === true ? "User cannot update a result object after it's been finalized" : null;

/** Results that are given later, whatever they are, are the last word. */
export const finalization: Derivation = ({ existing, values }) =>
  existing !== null && 'results' in values ? { finalized: true, finalized_at: now() } : {};

/** What a certificate or a key may still become is invalid. */
export function onlyInvalidation(keys: readonly string[], message: string): Rule {
  return ({ values }) => {
    const exact = Object.keys(values).sort().join() === [...keys].sort().join();
    return exact && values.is_valid === false ? null : message;
  };
}
