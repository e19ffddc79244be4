import { MedperfError } from '../contract';
import type { Digest } from '../contract';
import { readUntrustedYaml, UnreadableYaml } from '../mlcube/untrusted-yaml';
import type { Store } from '../store/store';

const MOST_BYTES = 1024 * 1024;

/**
 * The YAML mapping that a cube's task wrote, as it goes into a report; `what` begins the complaint about another one.
 * @throws MedperfError `IncompatibleModel` for what is no mapping or larger than 1 MiB.
 */
export async function readResultFile(store: Store, file: Digest, what: string): Promise<Record<string, unknown>> {
  const size = await store.sizeOf(file);
  if (size !== null && size > MOST_BYTES) throw unusable(what, `at most ${MOST_BYTES} bytes`, `${size} bytes`);
  return requireMapping((await store.readBytes(file, MOST_BYTES)).toString('utf8'), what);
}

/** Refuses an evaluation that is no YAML mapping, as MedPerf does. */
export function requireMapping(text: string, what: string): Record<string, unknown> {
  const value = read(text, what);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return sanitised(value) as Record<string, unknown>;
  }
  const found = value === null ? 'an empty file' : Array.isArray(value) ? 'a list' : typeof value;
  throw unusable(what, 'a YAML mapping', found);
}

/** JSON has no NaN or infinity; MedPerf writes these words (reference: medperf.md, 5.3). */
export function sanitised(value: unknown): unknown {
  if (typeof value === 'number' && Number.isNaN(value)) return 'nan';
  if (value === Infinity) return 'Infinity';
  if (value === -Infinity) return '-Infinity';
  if (Array.isArray(value)) return value.map(sanitised);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, sanitised(item)]));
  }
  return value;
}

function read(text: string, what: string): unknown {
  try {
    return readUntrustedYaml(text);
  } catch (error) {
    if (error instanceof UnreadableYaml) throw unusable(what, 'a YAML mapping', error.message, error);
    throw error;
  }
}

function unusable(what: string, expected: string, found: string, cause?: unknown): MedperfError {
  const next = "mend the cube's task so that it writes a mapping of a few names to numbers.";
  return new MedperfError('IncompatibleModel', { what, expected, found, next }, { cause });
}
