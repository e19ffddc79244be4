import { request } from 'undici';
import type { Dispatcher } from 'undici';
import { MedperfError } from '../contract';
import { errorCode, refused } from './failures';
import { PrivateAddress, unguardedConnections } from './guarded-connections';

const MAX_REDIRECTS = 5;
const HEADERS_TIMEOUT_MS = 30_000;
/** Between two pieces of a body, not for the whole of it. */
const BODY_TIMEOUT_MS = 60_000;
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];
/** The file is shorter now, or was there to its end. */
const OUT_OF_RANGE = 416;
/** Answers of a host that may say something else later. */
const TRY_LATER: readonly number[] = [408, 425, 429];

/** The file host's own failure, told apart from the store's because another attempt may help at once. */
export class HostFailure extends MedperfError {
  constructor(shown: string, found: string) {
    super('StoreUnavailable', {
      what: `The file host did not answer as it should for ${shown}.`,
      found,
      next: 'Check that the host is up and reachable from this machine; then try again.',
    });
  }
}

/** The rest of a file of which the beginning is there already. */
export interface RestOfFile {
  /** Bytes that are there. */
  readonly from: number;
  /** The ETag or date that came with them: of another version the whole is asked for. */
  readonly validator: string;
}

export interface FileRequestOptions {
  readonly rest?: RestOfFile | undefined;
  readonly signal?: AbortSignal | undefined;
  /** {@link unguardedConnections} when left out. */
  readonly dispatcher?: Dispatcher | undefined;
}

/** A good answer whose body has not been read; failures while reading it are {@link HostFailure}s. */
export interface FileAnswer {
  /** Without credentials and query, for messages. */
  readonly shownUrl: string;
  readonly contentType: string;
  /** Of the whole file as the host announces it, in bytes, or null. */
  readonly size: number | null;
  /** Where the body begins: 0, or where the rest that was asked for does. */
  readonly from: number;
  /** What tells the file's versions apart: a strong ETag, else the date, else null. */
  readonly validator: string | null;
  readonly body: AsyncIterable<Uint8Array>;
  /** Gives the connection up, whether or not the body was read. */
  close(): void;
}

/**
 * GETs a file over http or https and follows redirects, except from https to http. Throws `InvalidRequest` for a URL
 * or answer that will not get better and `StoreUnavailable` when the file host does not answer; one attempt.
 */
export async function requestFile(address: string, options: FileRequestOptions): Promise<FileAnswer> {
  let url = parseAddress(address);
  for (let redirects = 0; ; redirects += 1) {
    const answer = await get(url, options);
    if (answer.statusCode === OUT_OF_RANGE && options.rest !== undefined) {
      await discard(answer);
      return requestFile(address, { ...options, rest: undefined });
    }
    if (!REDIRECTS.includes(answer.statusCode)) return accept(url, answer, options);
    await discard(answer);
    if (redirects === MAX_REDIRECTS) throw badAnswer(url, `more than ${MAX_REDIRECTS} redirects`);
    url = redirected(url, answer);
  }
}

/** The address without what may be secret: user, password, query (signatures) and fragment. */
export function shownUrl(address: string | URL): string {
  const url = typeof address === 'string' ? parseAddress(address) : address;
  return `${url.protocol}//${url.host}${url.pathname}`;
}

/** MedPerf's forms of a resource: a plain URL or one behind `direct:`. */
function parseAddress(address: string): URL {
  const trimmed = address.trim();
  if (trimmed.startsWith('synapse:'))
    throw refused(
      'The file cannot be fetched.',
      'a "synapse:" resource, which is not supported yet',
      'Host the file where plain HTTP reaches it.',
    );
  const plain = trimmed.replace(/^direct:/, '');
  if (!URL.canParse(plain)) throw badAddress('text that is not a URL');
  const url = new URL(plain);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw badAddress(`a URL that begins with "${url.protocol}"`);
  return url;
}

async function get(url: URL, options: FileRequestOptions): Promise<Dispatcher.ResponseData> {
  const headers: Record<string, string> = { 'accept-encoding': 'identity' };
  if (options.rest !== undefined) {
    headers['range'] = `bytes=${options.rest.from}-`;
    headers['if-range'] = options.rest.validator;
  }
  if (url.username !== '') headers['authorization'] = basicAuthorization(url);
  const plain = new URL(url);
  plain.username = '';
  plain.password = '';
  try {
    return await request(plain, {
      headers,
      dispatcher: options.dispatcher ?? unguardedConnections(),
      headersTimeout: HEADERS_TIMEOUT_MS,
      bodyTimeout: BODY_TIMEOUT_MS,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
  } catch (error) {
    options.signal?.throwIfAborted();
    if (error instanceof PrivateAddress) throw privateHost(url);
    throw new HostFailure(shownUrl(url), errorCode(error) ?? 'no answer');
  }
}

async function accept(
  url: URL,
  answer: Dispatcher.ResponseData,
  { rest, signal }: FileRequestOptions,
): Promise<FileAnswer> {
  const { statusCode, headers, body } = answer;
  const range = statusCode === 206 && rest !== undefined ? contentRange(single(headers['content-range'])) : null;
  if (statusCode !== 200 && (range === null || range.from !== rest?.from)) {
    await discard(answer);
    if (statusCode >= 500 || TRY_LATER.includes(statusCode))
      throw new HostFailure(shownUrl(url), `status ${statusCode}`);
    throw badAnswer(url, `status ${statusCode}`);
  }
  // A body that is given up unread reports that as an error, which nobody waits for.
  body.on('error', () => undefined);
  const length = Number(single(headers['content-length']) || NaN);
  return {
    shownUrl: shownUrl(url),
    contentType: single(headers['content-type']),
    size: range === null ? (Number.isSafeInteger(length) ? length : null) : range.size,
    from: range?.from ?? 0,
    validator: validatorOf(single(headers.etag), single(headers['last-modified'])),
    body: readBody(body, shownUrl(url), signal),
    close: () => body.destroy(),
  };
}

function contentRange(header: string): { from: number; size: number | null } | null {
  const [, from = '', size = ''] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(header) ?? [];
  return from === '' ? null : { from: Number(from), size: size === '*' ? null : Number(size) };
}

/** A weak ETag does not promise the same bytes, so it cannot be used for a range (RFC 9110, 13.1.5). */
function validatorOf(etag: string, lastModified: string): string | null {
  if (etag !== '' && !etag.startsWith('W/')) return etag;
  return lastModified === '' ? null : lastModified;
}

async function* readBody(
  body: AsyncIterable<Uint8Array>,
  shown: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    signal?.throwIfAborted();
    throw new HostFailure(shown, `a broken transfer (${errorCode(error) ?? 'no reason given'})`);
  }
}

function redirected(from: URL, answer: Dispatcher.ResponseData): URL {
  const location = single(answer.headers.location);
  if (location === '' || !URL.canParse(location, from.href)) throw badAnswer(from, 'a redirect to nowhere');
  const to = new URL(location, from);
  if (to.protocol !== 'https:' && to.protocol !== from.protocol)
    throw badAnswer(from, `a redirect from ${from.protocol}// to ${to.protocol}//`);
  return to;
}

/** A short body is read to its end, so that the connection can be used again. */
async function discard(answer: Dispatcher.ResponseData): Promise<void> {
  await answer.body.dump().catch(() => undefined);
}

function basicAuthorization(url: URL): string {
  const text = `${percentDecoded(url.username)}:${percentDecoded(url.password)}`;
  return `Basic ${Buffer.from(text).toString('base64')}`;
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw badAddress('a user name or password that is not percent-encoded');
  }
}

function single(header: string | string[] | undefined): string {
  return (Array.isArray(header) ? header[0] : header) ?? '';
}

function privateHost(url: URL): MedperfError {
  return refused(
    `${shownUrl(url)} may not be fetched.`,
    'a host on a private network',
    "Host the file where everybody reaches it, or have the operator name its host in the policy's downloads.privateHosts.",
    'a host of the public Internet',
  );
}

function badAddress(found: string): MedperfError {
  return refused('The file cannot be fetched.', found, 'Correct the URL.', 'an http:// or https:// URL');
}

function badAnswer(url: URL, found: string): MedperfError {
  return refused(
    `${shownUrl(url)} cannot be fetched.`,
    found,
    'Check the URL and that the file may be read by everybody.',
    'status 200 with the file',
  );
}
