import { MedperfError } from '../contract';
import type { Digest } from '../contract';

/** `code` of a Node.js system error such as `ENOSPC`, or null for any other value. */
export function errorCode(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}

const PLACE_REMEDIES: Readonly<Record<string, readonly [found: string, next: string]>> = {
  ENOSPC: ['the disk is full', 'Free some space on the disk that holds it; the work goes on by itself.'],
  EDQUOT: ['the disk quota is used up', 'Raise the quota or remove what is not needed; the work goes on by itself.'],
  EACCES: ['no permission', 'Give the user of this process the right to read and write there.'],
  EPERM: ['no permission', 'Give the user of this process the right to read and write there.'],
  EROFS: ['a read-only file system', 'Mount it writable.'],
  EMFILE: ['too many open files', 'Raise the limit of open files (ulimit -n).'],
};

/** `StoreUnavailable` for a system error; the error's own text is left out because it holds host paths. */
export function placeFailure(what: string, code: string): MedperfError {
  const [found, next] = PLACE_REMEDIES[code] ?? ['a system error', 'Check the disk of the store, then try again.'];
  return new MedperfError('StoreUnavailable', { what, found: `${found} (${code})`, next });
}

/** A blob that is missing or damaged: told apart from the place's other failures because its source may mend it. */
export class ContentFailure extends MedperfError {
  constructor(facts: { readonly what: string; readonly next: string }) {
    super('StoreUnavailable', facts);
  }
}

export function missing(digest: Digest): ContentFailure {
  return new ContentFailure({
    what: `${digest} is not in the store.`,
    next: 'What was fetched is fetched again; put your own folder in again. If that is in vain, check that all use one store.',
  });
}

export function damaged(digest: Digest): ContentFailure {
  return new ContentFailure({
    what: `${digest} was damaged in the store, and was moved into its quarantine.`,
    next: 'What was fetched is fetched again; put your own folder in again. Then check the disk and the rest: store verify.',
  });
}

/** Does `work`; a system error of it becomes `StoreUnavailable`, every other error passes. */
export async function atPlace<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = errorCode(error);
    throw code === null || error instanceof MedperfError ? error : placeFailure(what, code);
  }
}

const SOURCE_FAULTS: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  ENOTDIR: 'a part of its path is not a folder',
  EISDIR: 'it is a folder',
  ELOOP: 'it is a link, or its links lead in a circle',
  EACCES: 'no permission to read it',
  ENXIO: 'it is not a regular file',
  ENAMETOOLONG: 'its path is longer than the system takes',
};

/** Like {@link atPlace} for reading what is put into the store: what the asker can mend is `InvalidRequest`. */
export async function atSource<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = errorCode(error);
    throw code === null || error instanceof MedperfError ? error : sourceFailure(name, code);
  }
}

/** What {@link atSource} makes of a system error. */
export function sourceFailure(name: string, code: string): MedperfError {
  const fault = SOURCE_FAULTS[code];
  if (fault === undefined) return placeFailure(`${quoted(name)} cannot be read.`, code);
  return refused(`${quoted(name)} cannot be read.`, `${fault} (${code})`, 'Correct the path or its permissions.');
}

export function refused(what: string, found: string, next: string, expected?: string): MedperfError {
  return new MedperfError('InvalidRequest', { what, found, next, ...(expected === undefined ? {} : { expected }) });
}

const QUOTED_CHARACTERS = 200;

/** A name from outside, safe in a one-line message: whatever is not plainly seen is escaped, and a long one is cut. */
export function quoted(name: string): string {
  const cut = name.length > QUOTED_CHARACTERS ? `${name.slice(0, QUOTED_CHARACTERS)}…` : name;
  return JSON.stringify(cut).replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (hidden) => `\\u${(hidden.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
}
