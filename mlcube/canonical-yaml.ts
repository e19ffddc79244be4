import type { JsonValue } from '../contract';

/**
 * One text for each JSON value, whatever order or layout it was written in: what a person has in a folder and what a server
 * holds of it then are the same bytes. Programs that read YAML 1.1, as Python's do, read the same as those of YAML 1.2.
 */
export function canonicalYaml(value: JsonValue): string {
  const lines = isFilled(value) ? block(value, '') : [leaf(value)];
  return `${lines.join('\n')}\n`;
}

type Collection = readonly JsonValue[] | Readonly<Record<string, JsonValue>>;

function isList(value: Collection): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function isFilled(value: JsonValue): value is Collection {
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0;
}

function block(value: Collection, indent: string): string[] {
  const entries: [string, JsonValue][] = isList(value)
    ? value.map((item) => ['-', item])
    : Object.entries(value)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, item]) => [keyed(key, indent), item]);
  return entries.flatMap(([lead, item]) =>
    isFilled(item) ? [`${indent}${lead}`, ...block(item, `${indent}  `)] : [`${indent}${lead} ${leaf(item)}`],
  );
}

/** YAML wants a key of more than 1024 characters announced. */
const LONGEST_PLAIN_KEY = 1000;

function keyed(key: string, indent: string): string {
  const text = quoted(key);
  return text.length > LONGEST_PLAIN_KEY ? `? ${text}\n${indent}:` : `${text}:`;
}

function leaf(value: JsonValue): string {
  if (typeof value === 'string') return quoted(value);
  return typeof value === 'number' ? numeral(value) : JSON.stringify(value);
}

/** Characters that JSON leaves as they are and a YAML text may not have, or YAML 1.1 takes for the end of a line. */
const ESCAPED = /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g;

function quoted(text: string): string {
  return JSON.stringify(text).replace(
    ESCAPED,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** YAML 1.1 takes a number with an exponent for a text where it has no point. */
function numeral(value: number): string {
  if (Number.isSafeInteger(value)) return String(value);
  const plain = String(value);
  if (!Number.isInteger(value) && !plain.includes('e')) return plain;
  return value.toExponential().replace(/^(-?\d)e/, '$1.0e');
}
