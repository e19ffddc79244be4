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
const VALUE_FIX = 'put a text into quotes; write true or false, and numbers as in 10, 0.001 or 1.0e-7';

/**
 * Reads a YAML mapping as what JSON can say.
 * @param file its name, for findings.
 * @throws MedperfError `InvalidManifest` with every finding.
 */
export function plainYaml(text: string, file: string): JsonMapping {
  const complaints = new Complaints(file);
  const value = readPlainYaml(text, complaints);
  refuseErrors(`${file} cannot be used by today's MedPerf.`, complaints.findings);
  return value;
}

/** The same with complaints in place of an error. */
export function readPlainYaml(text: string, complaints: Complaints): JsonMapping {
  const root = readYamlMapping(text, complaints, LONGEST);
  return root === null ? {} : plainMapping(root, complaints);
}

/** A mapping as what JSON can say; complains of what it cannot, and of what YAML 1.1 and 1.2 read differently. */
export function plainMapping(root: YamlMapping, complaints: Complaints): JsonMapping {
  return new Conversion(complaints).mapping(root, 0);
}

class Conversion {
  private values = 0;
  private stopped = false;

  constructor(private readonly complaints: Complaints) {}

  mapping({ entries }: YamlMapping, depth: number): JsonMapping {
    // Makes `__proto__` a key like any other.
    return Object.fromEntries(
      [...entries].map(([key, { line, bareKey, value }]) => {
        if (bareKey !== undefined) this.refuseDoubtful(bareKey, line, 'the key', 'put the key into quotes');
        return [key, this.convert(value, line, depth + 1)];
      }),
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
    if (value.bare !== undefined) this.refuseDoubtful(value.bare, line, 'the value', VALUE_FIX);
    return this.scalar(value.value, line);
  }

  private stop(line: number, message: string, fix: string): null {
    this.complaints.error(line, message, fix);
    this.stopped = true;
    return null;
  }

  /** MedPerf is written in Python, whose YAML is 1.1. */
  private refuseDoubtful(bare: string, line: number, what: string, fix: string): void {
    if (this.stopped || !isDoubtful(bare)) return;
    const message = `${what} ${quote(bare)} is one thing to YAML 1.1, which MedPerf reads, and another to 1.2`;
    this.complaints.error(line, message, fix);
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
