import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

/** Contents of small files, or why the first one that failed did. */
export function readFiles({
  paths,
}: {
  readonly paths: readonly string[];
}): Uint8Array[] | { readonly at: number; readonly code: string } {
  const contents: Uint8Array[] = [];
  for (const [at, path] of paths.entries()) {
    try {
      contents.push(readFileSync(path));
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
