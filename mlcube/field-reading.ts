import { quote } from './complaints';
import type { Complaints } from './complaints';
import { interpolate } from './interpolation';
import type { Interpolated } from './interpolation';
import type { YamlEntry, YamlMapping } from './yaml-document';

/** What reading a field needs besides the field: the whole file, for references, and where complaints go. */
export interface ManifestReading {
  readonly root: YamlMapping;
  readonly complaints: Complaints;
}

export const EMPTY_MAPPING: YamlMapping = { kind: 'mapping', entries: new Map() };

/** The entries of a section; absent and null are an empty one, anything else is a complaint. */
export function readSection(entry: YamlEntry | undefined, where: string, { complaints }: ManifestReading): YamlMapping {
  if (entry === undefined || isNull(entry)) return EMPTY_MAPPING;
  if (entry.value.kind === 'mapping') return entry.value;
  complaints.error(entry.line, `${where} is no mapping`, 'write it as keys with values below it');
  return EMPTY_MAPPING;
}

/** A text with its references filled in; undefined when absent, null, or complained about. */
export function readText(
  entry: YamlEntry | undefined,
  where: string,
  { root, complaints }: ManifestReading,
  fill: (root: YamlMapping, text: string) => Interpolated = interpolate,
): string | undefined {
  if (entry === undefined || isNull(entry)) return undefined;
  if (entry.value.kind !== 'scalar' || typeof entry.value.value !== 'string') {
    complaints.error(entry.line, `${where} is no text`, 'write one text; put a number into quotes');
    return undefined;
  }
  const filled = fill(root, entry.value.value);
  if ('text' in filled) return filled.text;
  complaints.error(entry.line, `${where}: ${filled.problem}`, 'write the value itself');
  return undefined;
}

/** One of a few words; undefined when absent, null, or complained about. */
export function readChoice<Word extends string>(
  entry: YamlEntry | undefined,
  where: string,
  choices: readonly Word[],
  reading: ManifestReading,
): Word | undefined {
  const text = readText(entry, where, reading);
  if (entry === undefined || text === undefined) return undefined;
  const choice = choices.find((word) => word === text);
  if (choice === undefined) {
    reading.complaints.error(entry.line, `${where} is ${quote(text)}`, `write one of ${choices.join(', ')}`);
  }
  return choice;
}

export function isNull({ value }: YamlEntry): boolean {
  return value.kind === 'scalar' && value.value === null;
}
