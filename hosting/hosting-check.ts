import { createHash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { MedperfError, toMedperfHash } from '../contract';
import type { HostingCheck, HostingFinding, ServedFile } from '../contract';
import { HostFailure, shownUrl } from '../store/file-request';
import type { FileAnswer, FileRequestOptions } from '../store/file-request';
import { finding, judgeLink } from './link-rules';

/** How a file is asked for, such as `requestFile`. */
export type AskForFile = (url: string, options: FileRequestOptions) => Promise<FileAnswer>;

export interface CheckOptions {
  /** Bare hex SHA-256 of what should be served. */
  readonly sha256?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Bytes so far, and the whole where the host announces it. */
  readonly onProgress?: ((received: number, total: number | null) => void) | undefined;
}

const ATTEMPTS = 3;
const PAUSE_MS = 1_000;
const SHOWN_CHARACTERS = 100;

/**
 * Fetches a file as everybody will and says what is wrong with where it lies. What the host answers becomes a finding; only
 * an abort is thrown.
 */
export async function checkHosting(ask: AskForFile, url: string, options: CheckOptions = {}): Promise<HostingCheck> {
  let link: HostingFinding[];
  try {
    link = judgeLink(url);
  } catch (error) {
    const shown = withoutQuery(url);
    return { url: shown, file: null, findings: [notServed(shown, error)] };
  }
  const shown = shownUrl(url);
  try {
    const file = await fetchPatiently(ask, url, options);
    return { url: shown, file, findings: [...link, ...judgeFile(shown, file, link, options.sha256)] };
  } catch (error) {
    options.signal?.throwIfAborted();
    return { url: shown, file: null, findings: [...link, notServed(shown, error)] };
  }
}

/** A host that does not answer is asked again a little later. */
async function fetchPatiently(ask: AskForFile, url: string, options: CheckOptions): Promise<ServedFile> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await fetchServed(ask, url, options);
    } catch (error) {
      if (!(error instanceof HostFailure) || attempt === ATTEMPTS) throw error;
      await setTimeout(PAUSE_MS * attempt, undefined, options.signal === undefined ? {} : { signal: options.signal });
    }
  }
}

/** Reads the whole file once, then asks for a part of it. @throws MedperfError as `requestFile`. */
export async function fetchServed(
  ask: AskForFile,
  url: string,
  { signal, onProgress }: CheckOptions,
): Promise<ServedFile> {
  const answer = await ask(url, { signal });
  const hash = createHash('sha256');
  let size = 0;
  try {
    for await (const chunk of answer.body) {
      hash.update(chunk);
      size += chunk.length;
      onProgress?.(size, answer.size);
    }
  } finally {
    answer.close();
  }
  const { contentType, validator } = answer;
  return {
    contentType,
    size,
    digest: `sha256:${hash.digest('hex')}`,
    resumable: validator !== null && (await givesRest(ask, url, { from: Math.max(size - 1, 0), validator }, signal)),
  };
}

async function givesRest(
  ask: AskForFile,
  url: string,
  rest: { from: number; validator: string },
  signal: AbortSignal | undefined,
): Promise<boolean> {
  // There is no part of an empty file to ask for.
  if (rest.from === 0) return true;
  const answer = await ask(url, { signal, rest });
  answer.close();
  return answer.from === rest.from;
}

/** @param link what is wrong with the link itself. */
export function judgeFile(
  shown: string,
  file: ServedFile,
  link: readonly HostingFinding[],
  sha256?: string,
): HostingFinding[] {
  const findings: HostingFinding[] = [];
  const found = toMedperfHash(file.digest);
  const isPage = /^(text\/html|application\/xhtml)/i.test(file.contentType);
  if (isPage && !link.some(({ code }) => code === 'page'))
    findings.push(
      finding('error', shown, [
        'page',
        'a page for people and not the file',
        'give the address behind its download button',
      ]),
    );
  if (sha256 !== undefined && sha256.toLowerCase() !== found)
    findings.push(
      finding('error', shown, [
        'other-file',
        `it serves another file: SHA-256 ${found}, expected ${sha256.toLowerCase()}`,
        'host the file that was meant, or correct the hash',
      ]),
    );
  if (!file.resumable)
    findings.push(
      finding('warning', shown, [
        'not-resumable',
        'an interrupted download has to begin anew: no Range requests, or neither an ETag nor a date',
        'use a host that has both; for small files it does not matter',
      ]),
    );
  return findings;
}

/** Of what cannot be read as a URL. */
function withoutQuery(text: string): string {
  return JSON.stringify((text.split(/[?#]/)[0] ?? '').slice(0, SHOWN_CHARACTERS));
}

function notServed(file: string, error: unknown): HostingFinding {
  if (!(error instanceof MedperfError)) throw error;
  const { what, found, next } = error.facts;
  return finding('error', file, ['not-served', found === undefined ? what : `no file comes from it: ${found}`, next]);
}
