import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import type { OutputLimits } from './output-image';
import { PROGRESS_FILE } from './reported-progress';

export interface OutputSize {
  /** Sum of the sizes that the files claim, as in a collection: a hole counts in full, a hard link once a name. */
  readonly bytes: number;
  /** Files, folders and whatever else has a name. */
  readonly entries: number;
}

const FOLDER_BUFFER = 256;
/** What happens in a tree that is being changed, or that nobody may read; a collection tells of it by itself. */
const PASSED_OVER = ['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'EACCES', 'EPERM', 'ELOOP'];

/** Measures without following links, one folder and entry at a time; counts no further than just beyond either limit. */
export async function measureOutputs(folders: readonly string[], limits: OutputLimits): Promise<OutputSize> {
  let [bytes, entries] = [0, 0];
  for await (const { place, isFile } of entriesOf(folders)) {
    entries += 1;
    if (isFile) bytes += await sizeOf(place);
    if (bytes > limits.outputBytes || entries > limits.outputFiles) break;
  }
  return { bytes, entries };
}

/** Counts the names in one folder and below it, no further than just beyond `most`. */
export async function countEntries(folder: string, most: number): Promise<number> {
  let entries = 0;
  for await (const _entry of entriesOf([folder])) {
    entries += 1;
    if (entries > most) break;
  }
  return entries;
}

interface Entry {
  /** Bytes, since a name need not be valid text. */
  readonly place: Buffer;
  readonly isFile: boolean;
}

async function* entriesOf(folders: readonly string[]): AsyncGenerator<Entry> {
  const roots = folders.map((folder) => Buffer.from(folder));
  const queue = [...roots];
  for (let folder = queue.pop(); folder !== undefined; folder = queue.pop()) {
    const isRoot = roots.includes(folder);
    try {
      // The library's types lag behind it: names may be read as bytes.
      const options = { encoding: 'buffer' as BufferEncoding, bufferSize: FOLDER_BUFFER };
      for await (const entry of await fs.opendir(folder, options)) {
        const name = entry.name as unknown as Buffer;
        if (isRoot && name.equals(Buffer.from(PROGRESS_FILE))) continue;
        const place = Buffer.concat([folder, Buffer.from(path.sep), name]);
        if (entry.isDirectory()) queue.push(place);
        yield { place, isFile: entry.isFile() };
      }
    } catch (error) {
      passOver(error);
    }
  }
}

async function sizeOf(place: Buffer): Promise<number> {
  try {
    const found = await fs.lstat(place);
    return found.isFile() ? found.size : 0;
  } catch (error) {
    passOver(error);
    return 0;
  }
}

function passOver(error: unknown): void {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (!PASSED_OVER.includes(code)) throw error;
}
