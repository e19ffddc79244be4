import { join, resolve } from 'node:path';

/** Files of cases by dialect, in the order in which they are read; a path is taken from the package's folder. */
export const CASE_FILES: Readonly<Record<string, readonly string[]>> = {
  e23: ['answers', 'e23/set-ups', 'e23/objects', 'e23/associations', 'e23/permissions'],
  e25: [
    'answers',
    'e25/set-ups',
    'e25/server',
    'e25/bodies',
    'e25/objects',
    'e25/rules',
    'e25/associations',
    'e25/permissions',
  ],
  head: [
    'answers',
    'head/set-ups',
    'head/server',
    'head/bodies',
    'head/lists',
    'head/objects',
    'head/models',
    'head/rules',
    'head/associations',
    'head/policies',
    'head/executions',
    'head/certificates',
    'head/permissions',
  ],
};

export function caseFiles(dialect: string): string[] {
  const names = CASE_FILES[dialect];
  if (names === undefined)
    throw new Error(`no cases for "${dialect}"; there are: ${Object.keys(CASE_FILES).join(', ')}`);
  return names.map((name) => join(resolve('test/conformance'), `${name}.yaml`));
}
