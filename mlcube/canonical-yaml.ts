import type { JsonValue } from '../contract';
import { Complaints, quote } from './complaints';
import { refuseErrors } from './manifest';
import { readYamlMapping } from './yaml-document';
import type { PlainScalar, YamlMapping, YamlValue } from './yaml-document';
import { isDoubtful } from './yaml-versions';

type JsonMapping = Readonly<Record<string, JsonValue>>;

/** Characters; a server keeps these texts in its database. */
const LONGEST = 4 * 1024 * 1024;
/** Keys and values, with what aliases repeat. */
const MAX_VALUES = 100_000;
const MAX_DEPTH = 64;

/**
 * Reads a YAML mapping as what JSON can say.
 * @param file its name, for findings.
 * @throws MedperfError `InvalidManifest` with every finding.
 */
export function plainYaml(text: string, file: string): JsonMapping {
  const complaints = new Complaints(file);
  const root = readYamlMapping(text, complaints, LONGEST);
  const value = root === null ? {} : new Conversion(complaints).mapping(root, 0);
  refuseErrors(`${file} cannot be kept by today's MedPerf server.`, complaints.findings);
  return value;
}

class Conversion {
  private values = 0;
  private stopped = false;

  constructor(private readonly complaints: Complaints) {}

  mapping({ entries }: YamlMapping, depth: number): JsonMapping {
    // Makes `__proto__` a key like any other.
    return Object.fromEntries(
      [...entries].map(([key, { line, value }]) => [key, this.convert(value, line, depth + 1)]),
    );
  }

  private convert(value: YamlValue, line: number, depth: number): JsonValue {
    if (this.stopped) return null;
    this.values += 1;
    if (this.values > MAX_VALUES)
      return this.stop(line, `from here on there are more than ${MAX_VALUES} values`, 'move data out of it');
    if (depth > MAX_DEPTH) return this.stop(line, `a value lies more than ${MAX_DEPTH} levels deep`, 'flatten it');
    if (value.kind === 'mapping') return this.mapping(value, depth);
    if (value.kind === 'list') return value.items.map((item) => this.convert(item, line, depth + 1));
    if (value.bare !== undefined && isDoubtful(value.bare)) this.refuseDoubtful(value.bare, line);
    return this.scalar(value.value, line);
  }

  private stop(line: number, message: string, fix: string): null {
    this.complaints.error(line, message, fix);
    this.stopped = true;
    return null;
  }

  /** MedPerf is written in Python, whose YAML is 1.1. */
  private refuseDoubtful(text: string, line: number): void {
    const fix = 'put a text into quotes; write true or false, and numbers as in 10, 0.001 or 1.0e-7';
    this.complaints.error(
      line,
      `${quote(text)} is one thing to YAML 1.1, which MedPerf reads, and another to 1.2`,
      fix,
    );
  }

  private scalar(value: PlainScalar, line: number): JsonValue {
    if (typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value))) {
      const message = `the number ${value} is none that JSON can be trusted to keep`;
      this.complaints.error(line, message, 'write it as text, in quotes');
      return null;
    }
    // In JSON's texts 0 and -0 are one.
    return value === 0 ? 0 : value;
  }
}

/**
 * One text for each JSON value, whatever order or layout it was written in: what a person has in a folder and what a server
 * holds of it then are the same bytes. Programs that read YAML 1.1, as Python's do, read the same as those of YAML 1.2.
 */
export function canonicalYaml(value: JsonValue): string {
  const lines = isFilled(value) ? block(value, '') : [leaf(value)];
  return `${lines.join('\n')}\n`;
}

type Collection = readonly JsonValue[] | JsonMapping;

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
