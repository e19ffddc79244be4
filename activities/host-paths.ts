const SHOWN = '<host path>';

/** In quotes a path may have spaces; elsewhere it ends with what no file name of ours has. A URL's path is none. */
const PATHS: readonly RegExp[] = [
  /(?<=(['"`]))(?:file:\/\/)?(?:\/|[A-Za-z]:\\)(?:(?!\1).)+/gs,
  /\bfile:\/\/[^\s'"`,;()<>]*/g,
  /(?<![\w./>-])(?<!:(?=\/\/))\/[^\s'"`,;:()<>]+/g,
  /\b[A-Za-z]:\\[^\s'"`,;()<>]+/g,
];

/** The text with every absolute path of a file system replaced. */
export function withoutHostPaths(text: string): string {
  return PATHS.reduce((shown, path) => shown.replace(path, SHOWN), text);
}
