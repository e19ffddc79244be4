import { MedperfError, toMedperfHash } from '../contract';
import type { Digest } from '../contract';

/** Plain in every URL and file system, and never hidden. */
const PLAIN_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
/** Hex digits of a digest that tell the versions of a file apart. */
const VERSION_DIGITS = 12;
const PLACE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\/[0-9a-f]{12}\/[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** Where a version of a file lies below a target's root: `<folder>/<version>/<file name>`. */
export function publishedPlace(folder: string, name: string, digest: Digest): [string, string, string] {
  return [folder, toMedperfHash(digest).slice(0, VERSION_DIGITS), name];
}

/** Whether something lies where {@link publishedPlace} puts files. */
export function isPublishedPlace(place: string): boolean {
  return PLACE.test(place);
}

/** @throws MedperfError `InvalidRequest` for a folder or file that cannot be published under its name. */
export function checkNames(folder: string, files: Iterable<string>): void {
  checkName('folder', folder);
  for (const name of files) checkName('file', name);
}

function checkName(kind: string, name: string): void {
  if (PLAIN_NAME.test(name)) return;
  throw new MedperfError('InvalidRequest', {
    what: `The ${kind} name ${JSON.stringify(name)} cannot be published.`,
    expected: 'letters, digits, ".", "_" and "-", at most 100, beginning with a letter or digit',
    found: 'another character or length',
    next: 'Choose another name.',
  });
}
