import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

/** In place of a system error's code: the bytes have another SHA-256 than they must. */
export const OTHER_HASH = 'OTHER_HASH';

/** Contents of small files with these SHA-256s, or why the first one that failed did. */
export function readFiles({
  files,
}: {
  readonly files: readonly { readonly path: string; readonly hex: string }[];
}): Uint8Array[] | { readonly at: number; readonly code: string } {
  const contents: Uint8Array[] = [];
  for (const [at, { path, hex }] of files.entries()) {
    try {
      const content = readFileSync(path);
      if (createHash('sha256').update(content).digest('hex') !== hex) return { at, code: OTHER_HASH };
      contents.push(content);
    } catch (error) {
      return { at, code: (error as NodeJS.ErrnoException).code ?? 'UNKNOWN' };
    }
  }
  return contents;
}

/** Which of the files begin with that text; what cannot be read does not. */
export function beginWith({ paths, text }: { readonly paths: readonly string[]; readonly text: string }): boolean[] {
  const wanted = Buffer.from(text);
  const head = Buffer.alloc(wanted.length);
  return paths.map((path) => {
    try {
      const descriptor = openSync(path, 'r');
      try {
        return readSync(descriptor, head, 0, head.length, 0) === wanted.length && head.equals(wanted);
      } finally {
        closeSync(descriptor);
      }
    } catch {
      return false;
    }
  });
}
