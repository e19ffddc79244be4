import { isDigest } from './digests';
import type { Digest } from './digests';

/** An image's name taken apart as Docker does it, its defaults filled in. */
export interface ImageReference {
  /** Host and port of the registry; `docker.io` where the name has none. */
  readonly host: string;
  /** With `library/` before a one-word name at Docker's own registry. */
  readonly repository: string;
  /** `latest` where the name has neither tag nor digest; null where it has a digest only. */
  readonly tag: string | null;
  /** Of the image's manifest; the one thing that fixes the image for all time. */
  readonly digest: Digest | null;
}

export const DEFAULT_IMAGE_HOST = 'docker.io';
const OTHER_NAMES_OF_DEFAULT = new Set(['index.docker.io', 'registry-1.docker.io']);
const REPOSITORY_LENGTH = 255;
const HOST =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9A-Fa-f:]+\])(?::\d{1,5})?$/;
const REPOSITORY = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const BARE_ID = /^[0-9a-f]{64}$/;

/** Null for what Docker would not take as an image's name in a registry either. */
export function parseImageReference(text: string): ImageReference | null {
  const at = text.indexOf('@');
  const digest = at < 0 ? null : text.slice(at + 1);
  if (digest !== null && !isDigest(digest)) return null;
  const named = at < 0 ? text : text.slice(0, at);
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  const tag = colon < 0 ? null : named.slice(colon + 1);
  const name = colon < 0 ? named : named.slice(0, colon);
  if ((tag !== null && !TAG.test(tag)) || BARE_ID.test(name)) return null;
  const { host, path } = splitHost(name);
  const repository = host === DEFAULT_IMAGE_HOST && !path.includes('/') ? `library/${path}` : path;
  if (!HOST.test(host) || !REPOSITORY.test(repository) || repository.length > REPOSITORY_LENGTH) return null;
  return { host, repository, tag: tag ?? (digest === null ? 'latest' : null), digest };
}

/** The whole name, with everything that its defaults stand for. */
export function formatImageReference({ host, repository, tag, digest }: ImageReference): string {
  return `${host}/${repository}${tag === null ? '' : `:${tag}`}${digest === null ? '' : `@${digest}`}`;
}

/** The first part is a host when it cannot be a part of a repository's name. */
function splitHost(name: string): { host: string; path: string } {
  const slash = name.indexOf('/');
  const first = name.slice(0, Math.max(slash, 0));
  const isHost = /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase();
  if (!isHost) return { host: DEFAULT_IMAGE_HOST, path: name };
  return { host: OTHER_NAMES_OF_DEFAULT.has(first) ? DEFAULT_IMAGE_HOST : first, path: name.slice(slash + 1) };
}
