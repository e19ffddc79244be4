import { isMap } from 'yaml';
import type { Node, YAMLMap } from 'yaml';
import type { YamlSource } from './yaml-source';

const REFERENCE = /\$\{([^{}]*)\}/g;
/** Both mean the workspace folder, to which relative paths are joined anyway. */
const WORKSPACE = new Set(['runtime.workspace', 'workspace']);

/**
 * Replaces `${a.b}` by the text found under these keys of the same file, and a leading workspace reference by nothing,
 * since paths are relative to it. What cannot be resolved is a finding.
 */
export function interpolated(source: YamlSource, node: Node, text: string): string {
  return text.replace(REFERENCE, (reference, name: string) => {
    if (WORKSPACE.has(name.trim())) return '.';
    const value = scalarAt(source, source.root, name.trim().split('.'));
    if (value !== null && !value.includes('${')) return value;
    source.error(node, `${reference} names no plain value of this file`, 'write the value out');
    return '';
  });
}

function scalarAt(source: YamlSource, map: YAMLMap | null, [key = '', ...rest]: readonly string[]): string | null {
  const value = source.member(map, key)?.value ?? null;
  if (rest.length > 0) return isMap(value) ? scalarAt(source, value, rest) : null;
  return source.text(value);
}
