import type { Digest } from './digests';
import type { Finding } from './failures';

/** Every code of `docs/hosting-check.md`. */
export const HOSTING_CODES = [
  'not-served',
  'other-file',
  'page',
  'expiring',
  'mutable',
  'plain-http',
  'private-host',
  'not-resumable',
] as const;
export type HostingCode = (typeof HOSTING_CODES)[number];

/** A finding of the hosting check; `file` is the URL without its query. */
export type HostingFinding = Finding & { readonly code: HostingCode };

/** What everybody gets who asks for a URL without credentials. */
export interface ServedFile {
  /** As the host says it. */
  readonly contentType: string;
  /** Bytes. */
  readonly size: number;
  readonly digest: Digest;
  /** Whether the host takes Range requests in a way that an interrupted download can be gone on with. */
  readonly resumable: boolean;
}

export interface HostingCheckInput {
  /** Each `http(s)://…` or `direct:http(s)://…`. */
  readonly urls: readonly string[];
  /** Bare hex of what each URL should serve. */
  readonly sha256?: string;
}

/** Stands for the model where there is none. */
export const HOSTING_CHECK = 'hosting check';

/** What a hosting check found at one URL. */
export interface HostingCheck {
  readonly url: string;
  /** Null where nothing could be fetched; the findings say why. */
  readonly file: ServedFile | null;
  readonly findings: readonly HostingFinding[];
}
