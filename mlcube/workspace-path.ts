/** A path inside the cube's folder, `/`-separated, without a slash at its end: `workspace` or below. */
export type WorkspacePath = { readonly path: string } | { readonly problem: string };

/**
 * Resolves a manifest's path against the workspace (reference: mlcube.md, part 3). What MLCube would take from the host,
 * by an absolute path, `~`, a variable or `..` beyond the workspace, is a problem.
 */
export function workspacePath(written: string): WorkspacePath {
  if (/\p{Cc}/u.test(written)) return { problem: 'has a control character in it' };
  if (/^(?:[/\\]|[A-Za-z]:[/\\])/.test(written)) return { problem: 'is absolute' };
  if (written.startsWith('~')) return { problem: "names a person's home" };
  if (/\$[\w{]/.test(written)) return { problem: 'has a variable in it' };
  const parts: string[] = [];
  for (const part of written.replace(/\\+$/, '').split('/')) {
    if (part === '..' && parts.pop() === undefined) return { problem: 'leaves the workspace' };
    if (part !== '..' && part !== '.' && part !== '') parts.push(part);
  }
  return { path: ['workspace', ...parts].join('/') };
}

/** The last part of a path inside the workspace, or null for the workspace itself. */
export function baseName(path: string): string | null {
  const at = path.lastIndexOf('/');
  return at < 0 ? null : path.slice(at + 1);
}

export function parentPath(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}
