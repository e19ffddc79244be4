import { execFile } from 'node:child_process';
import { open } from 'node:fs/promises';
import { promisify } from 'node:util';
import { forEachBounded } from './bounded';

const run = promisify(execFile);

/** From so many on, one flush of the whole file system is cheaper than one a file. */
const MANY = 16;
const FLUSHED_AT_ONCE = 4;

/** Brings so many files (or folders, which hold the files' names) to the disk; all lie on the file system of `folder`. */
export async function flush(count: number, paths: () => readonly string[], folder: string): Promise<void> {
  if (count >= MANY && (await flushFileSystem(folder))) return;
  await forEachBounded(paths(), FLUSHED_AT_ONCE, flushOne);
}

async function flushOne(path: string): Promise<void> {
  const handle = await open(path);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Node.js has no `syncfs`; coreutils' `sync -f` is it. False where there is none, as on macOS. */
async function flushFileSystem(folder: string): Promise<boolean> {
  return run('sync', ['-f', folder]).then(
    () => true,
    () => false,
  );
}
