import { readFileSync } from 'node:fs';

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
