import { quote } from './complaints';
import type { YamlMapping, YamlValue } from './yaml-document';

const REFERENCE = /\$\{([\w.-]+)\}/g;
const MAX_CHARACTERS = 16 * 1024;

export type Interpolated = { readonly text: string } | { readonly problem: string };

/**
 * Fills in OmegaConf references to scalars of the same file (`${docker.image}`), one level deep: what is referred to may
 * hold no reference itself. Resolvers, relative and nested references are named as problems.
 */
export function interpolate(root: YamlMapping, text: string): Interpolated {
  if (!text.includes('${')) return { text };
  let room = MAX_CHARACTERS - text.length;
  const filled = text.replace(REFERENCE, (reference, path: string) => {
    const value = scalarText(root, path.split('.')) ?? reference;
    room -= value.length;
    return room < 0 ? '' : value;
  });
  if (room < 0) return { problem: 'its references make it too long' };
  const rest = /\$\{[^}]*\}?/.exec(filled)?.[0];
  if (rest !== undefined) return { problem: `the reference ${quote(rest)} names no plain value of this file` };
  return { text: filled };
}

const WORKSPACE = /^\$\{(?:runtime\.)?workspace\}(?=\/|$)/;

/** As {@link interpolate}, for a path: `${workspace}` or `${runtime.workspace}` at its start is the cube's workspace. */
export function interpolatePath(root: YamlMapping, path: string): Interpolated {
  return interpolate(root, path.replace(WORKSPACE, '.'));
}

/** Null when the path leads to no scalar, to an empty one, or to one that would have to be filled in first. */
function scalarText(root: YamlMapping, path: readonly string[]): string | null {
  let value: YamlValue | undefined = root;
  for (const key of path) {
    if (value?.kind !== 'mapping') return null;
    value = value.entries.get(key)?.value;
  }
  if (value?.kind !== 'scalar' || value.value === null) return null;
  const text = String(value.value);
  return text.includes('${') ? null : text;
}
