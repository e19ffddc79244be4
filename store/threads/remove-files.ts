import { randomUUID } from 'node:crypto';
import { linkSync, renameSync, statSync, unlinkSync } from 'node:fs';

export type Removal = 'removed' | 'used' | 'gone' | { readonly code: string };

/**
 * Removes files that were last used before `since` (milliseconds since 1970). A use that is noted at the same moment wins, or finds
 * the file gone: it is taken aside first and looked at there, where nobody notes a use any more.
 */
export function removeUnused({
  paths,
  since,
}: {
  readonly paths: readonly string[];
  readonly since: number;
}): Removal[] {
  return paths.map((path) => {
    try {
      if (usedSince(path, since)) return 'used';
      const aside = `${path}~${randomUUID()}`;
      renameSync(path, aside);
      const wanted = usedSince(aside, since);
      if (wanted) putBack(aside, path);
      unlinkSync(aside);
      return wanted ? 'used' : 'removed';
    } catch (error) {
      const code = codeOf(error);
      return code === 'ENOENT' ? 'gone' : { code };
    }
  });
}

/** What was written there meanwhile is newer and stays. */
function putBack(aside: string, path: string): void {
  try {
    linkSync(aside, path);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}

function usedSince(path: string, since: number): boolean {
  return statSync(path).mtimeMs >= since;
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'UNKNOWN';
}
