import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import { MedperfError } from '../contract';

/**
 * Reads a JSON object from the configuration directory; empty where there is no such file.
 * @throws MedperfError `NeedsAttention` for anything else, without showing it.
 */
export async function readRecord<T>(
  directory: string,
  file: string,
  schema: z.ZodType<Record<string, T>>,
): Promise<Record<string, T>> {
  const text = await unlessAbsent(readFile(join(directory, file), 'utf8'));
  if (text === null) return {};
  const parsed = schema.safeParse(parse(text));
  if (parsed.success) return parsed.data;
  throw new MedperfError('NeedsAttention', {
    what: `The file ${file} in temporal-medperf's configuration directory cannot be read.`,
    expected: 'the JSON that temporal-medperf login writes',
    found: `${text.length} characters of something else`,
    next: `Move ${file} away and sign in again: temporal-medperf login`,
  });
}

/** Readers see the old file or the new one, never half of it; others on this machine see neither. */
export async function writeRecord(directory: string, file: string, record: object): Promise<void> {
  const temporary = join(directory, `.${file}.${process.pid}.${performance.now()}`);
  try {
    await writeFile(temporary, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600, flag: 'wx', flush: true });
    await rename(temporary, join(directory, file));
  } finally {
    await rm(temporary, { force: true });
  }
}

/**
 * Other users of the machine must not get at the tokens; only a person can know whether they did.
 * @throws MedperfError `NeedsAttention`
 */
export async function refuseReadableByOthers(directory: string, file: string): Promise<void> {
  const found = await unlessAbsent(stat(join(directory, file)));
  if (found === null || process.platform === 'win32' || (found.mode & 0o077) === 0) return;
  throw new MedperfError('NeedsAttention', {
    what: `Others on this machine may read ${file} in temporal-medperf's configuration directory.`,
    expected: 'mode 600',
    found: `mode ${(found.mode & 0o777).toString(8)}`,
    next: `In that directory run: chmod 600 ${file}`,
  });
}

/** The record's own entry: a name such as `constructor` is one like any other. */
export function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function unlessAbsent<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    if (typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
