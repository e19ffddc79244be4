import { isDeepStrictEqual } from 'node:util';

type Data = Record<string, unknown>;

const NAMED: Record<string, (found: unknown) => boolean> = {
  any: (found) => found !== undefined,
  absent: (found) => found === undefined,
  id: (found) => Number.isInteger(found) && Number(found) > 0,
  number: (found) => typeof found === 'number',
  text: (found) => typeof found === 'string' && found !== '',
  time: (found) => typeof found === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z$/.test(found),
};

/** The differences between what a case expects and what was found, one line each; none when they agree. */
export function differences(expected: unknown, found: unknown, at = 'answer'): string[] {
  if (typeof expected === 'string') return textDifferences(expected, found, at);
  if (Array.isArray(expected)) return listDifferences(expected, found, at);
  if (isObject(expected)) return objectDifferences(expected, found, at);
  return isDeepStrictEqual(expected, found) ? [] : [difference(expected, found, at)];
}

function textDifferences(expected: string, found: unknown, at: string): string[] {
  const name = /^<(\w+)>$/.exec(expected)?.[1];
  const matches = name === undefined ? undefined : NAMED[name];
  if (matches !== undefined) return matches(found) ? [] : [difference(expected, found, at)];
  const pattern = /^\/(.+)\/$/s.exec(expected)?.[1];
  const agrees =
    pattern === undefined ? expected === found : typeof found === 'string' && new RegExp(pattern, 'i').test(found);
  return agrees ? [] : [difference(expected, found, at)];
}

function listDifferences(expected: unknown[], found: unknown, at: string): string[] {
  if (!Array.isArray(found) || found.length !== expected.length) return [difference(expected, found, at)];
  return expected.flatMap((item, index) => differences(item, found[index], `${at}[${index}]`));
}

/** `$keys`: these and no others; `$exact`: no keys but those named here; `$has`, `$lacks`: rows of a list. */
function objectDifferences(expected: Data, found: unknown, at: string): string[] {
  const { $keys: keys, $exact: exact, $has: has, $lacks: lacks, ...fields } = expected;
  if (has !== undefined || lacks !== undefined) return rowDifferences(has, lacks, found, at);
  if (!isObject(found)) return [difference(expected, found, at)];
  const problems = Object.entries(fields).flatMap(([key, value]) => differences(value, found[key], `${at}.${key}`));
  const wanted = exact === true ? Object.keys(fields) : keys;
  if (Array.isArray(wanted)) {
    const [want, have] = [wanted.map(String).sort(), Object.keys(found).sort()];
    if (!isDeepStrictEqual(want, have)) problems.push(difference(want, have, `keys of ${at}`));
  }
  return problems;
}

function rowDifferences(has: unknown, lacks: unknown, found: unknown, at: string): string[] {
  if (!Array.isArray(found)) return [difference({ $has: has, $lacks: lacks }, found, at)];
  const holds = (row: unknown): boolean => found.some((item) => differences(row, item).length === 0);
  return [
    ...rowsOf(has).flatMap((row) => (holds(row) ? [] : [difference(row, found, `a row of ${at}`)])),
    ...rowsOf(lacks).flatMap((row) => (holds(row) ? [`${at}: expected no row like ${shown(row)}, found one`] : [])),
  ];
}

function rowsOf(rows: unknown): unknown[] {
  return Array.isArray(rows) ? rows : [];
}

function isObject(value: unknown): value is Data {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function difference(expected: unknown, found: unknown, at: string): string {
  return `${at}: expected ${shown(expected)}, found ${shown(found)}`;
}

function shown(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 600 ? `${text.slice(0, 600)}…` : text;
}
