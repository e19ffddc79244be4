import { stringify } from 'yaml';
import { MedperfError } from '../contract';
import type { JsonValue } from '../contract';
import { Complaints } from './complaints';
import { readYamlMapping } from './yaml-document';
import type { YamlValue } from './yaml-document';

type JsonObject = Readonly<Record<string, JsonValue>>;

/** Characters; a server keeps these texts in its database. */
const LONGEST = 4 * 1024 * 1024;

/**
 * Reads a YAML mapping as what JSON can say.
 * @param file its name, for findings.
 * @throws MedperfError `InvalidManifest` with every finding.
 */
export function plainYaml(text: string, file: string): JsonObject {
  const complaints = new Complaints(file);
  const root = readYamlMapping(text, complaints, LONGEST);
  const value = root === null ? {} : jsonOf(root, complaints);
  if (complaints.findings.length === 0) return value as JsonObject;
  throw new MedperfError('InvalidManifest', {
    what: `${file} cannot be kept by today's MedPerf server.`,
    findings: complaints.findings,
    next: 'mend each line above and try again.',
  });
}

/**
 * One text for each JSON value, whatever order or layout it was written in: what a person has in a folder and what a server
 * holds of it then are the same bytes.
 */
export function canonicalYaml(value: JsonValue): string {
  return stringify(value, { sortMapEntries: true, lineWidth: 0, aliasDuplicateObjects: false });
}

function jsonOf(value: YamlValue, complaints: Complaints, line?: number): JsonValue {
  if (value.kind === 'list') return value.items.map((item) => jsonOf(item, complaints, line));
  if (value.kind === 'mapping') {
    return Object.fromEntries(
      [...value.entries].map(([name, entry]) => [name, jsonOf(entry.value, complaints, entry.line)]),
    );
  }
  const plain = value.value;
  if (typeof plain !== 'number' || Number.isFinite(plain)) return plain;
  complaints.error(line, `${plain} is no number that JSON knows`, 'write a number, or put the word into quotes');
  return null;
}
