import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';

const BLOCK_BYTES = 1024 * 1024;

/** What is in a file; `begins` tells whether its bytes begin with the text that was asked for. */
export type HashedFile = { readonly hex: string; readonly begins: boolean } | { readonly code: string };

/** Hashes files. As soon as the first number of `stop` is not 0, what is left is not read. */
export function hashFiles({
  paths,
  text,
  stop,
}: {
  readonly paths: readonly string[];
  readonly text: string;
  readonly stop: Int32Array;
}): HashedFile[] {
  const buffer = Buffer.allocUnsafe(BLOCK_BYTES);
  const wanted = Buffer.from(text);
  return paths.map((path) => {
    try {
      return hashFile(path, buffer, wanted, stop);
    } catch (error) {
      return { code: (error as NodeJS.ErrnoException).code ?? 'UNKNOWN' };
    }
  });
}

function hashFile(path: string, buffer: Buffer, wanted: Buffer, stop: Int32Array): HashedFile {
  const descriptor = openSync(path, 'r');
  try {
    const hash = createHash('sha256');
    let begins = false;
    for (let at = 0; Atomics.load(stop, 0) === 0;) {
      const read = readSync(descriptor, buffer, 0, buffer.length, null);
      if (read === 0) return { hex: hash.digest('hex'), begins };
      if (at === 0) begins = buffer.subarray(0, Math.min(read, wanted.length)).equals(wanted);
      hash.update(buffer.subarray(0, read));
      at += read;
    }
    return { code: 'ECANCELED' };
  } finally {
    closeSync(descriptor);
  }
}
