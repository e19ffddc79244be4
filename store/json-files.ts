import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { canonicalJson } from '../contract';
import { errorCode } from './failures';

/** Writes a value as JSON in place of what is there; readers see the old or the new one, never a part. */
export async function writeJson(path: string, value: unknown): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const incoming = `${path}.${randomUUID()}`;
  try {
    const handle = await open(incoming, 'wx', 0o644);
    try {
      await handle.writeFile(canonicalJson(value));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(incoming, path);
  } finally {
    await rm(incoming, { force: true });
  }
}

/** The value in a JSON file, or null when there is none; throws `SyntaxError` for other text. */
export async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
}
