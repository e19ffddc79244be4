import { setTimeout } from 'node:timers/promises';
import { Agent, request } from 'undici';
import type { Dispatcher } from 'undici';
import { MedperfError } from '../contract';
import { unavailable } from './answers';
import type { Answer } from './answers';
import type { Authorization } from './credentials';
import { serverAddress } from './server-address';

const BASE = '/api/v0';
const CONNECT_TIMEOUT_MS = 10_000;
/** Longest silence before and within an answer. */
const ANSWER_TIMEOUT_MS = 30_000;
/** From asking to the answer's last byte; three attempts fit into the two minutes of an activity. */
const DEADLINE_MS = 35_000;
/** A page of records is a few hundred KiB; benchmarks' results are part of it. */
const ANSWER_BYTES = 64 * 1024 * 1024;
const KEEP_ALIVE_MS = 10_000;
const ATTEMPTS = 3;
const FIRST_PAUSE_MS = 250;
/** A server that asks for a longer pause gets it from the caller's own retries. */
const LONGEST_PAUSE_MS = 5_000;

export interface SessionOptions {
  readonly server: string;
  /** Absent before sign-in. */
  readonly authorization?: Authorization;
  /** PEM of the authority that alone may certify the server; else those that Node.js trusts. */
  readonly ca?: string;
  /** Waits between the attempts of a reading request. */
  readonly pause?: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
  readonly limits?: AnswerLimits;
}

const UNTRUSTED = /CERT|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/;
const WHEN_UNTRUSTED =
  "Check the server's certificate; where an authority of your own issued it, sign in again with it: temporal-medperf login --ca FILE";

/** What a server may take of us with one answer. */
export interface AnswerLimits {
  readonly milliseconds: number;
  readonly bytes: number;
}

/**
 * HTTP to one server as one user, over connections that are kept. Only reading is tried again here, for a few seconds;
 * what changes something is sent once, and its caller finds out what became of it.
 */
export class HttpSession {
  readonly server: string;
  private readonly agent: Agent;
  private readonly authorization: Authorization | null;
  private readonly pause: NonNullable<SessionOptions['pause']>;
  private readonly limits: AnswerLimits;

  constructor({
    server,
    authorization,
    ca,
    pause = sleep,
    limits = { milliseconds: DEADLINE_MS, bytes: ANSWER_BYTES },
  }: SessionOptions) {
    this.server = serverAddress(server);
    this.agent = new Agent({
      connect: { timeout: CONNECT_TIMEOUT_MS, ...(ca !== undefined && { ca }) },
      headersTimeout: ANSWER_TIMEOUT_MS,
      bodyTimeout: ANSWER_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
    });
    this.authorization = authorization ?? null;
    this.pause = pause;
    this.limits = limits;
  }

  /** Any answer but a lasting 429 or 5xx; @throws MedperfError `RegistryUnavailable`, or `RegistryRejected` for a flood. */
  get(path: string, signal?: AbortSignal): Promise<Answer> {
    return this.getBelow(BASE, path, signal);
  }

  /** As {@link get}, for what a server keeps beside its API. */
  getOutside(path: string, signal?: AbortSignal): Promise<Answer> {
    return this.getBelow('', path, signal);
  }

  private async getBelow(base: string, path: string, signal: AbortSignal | undefined): Promise<Answer> {
    for (let attempt = 1; ; attempt += 1) {
      const last = attempt === ATTEMPTS;
      try {
        const answer = await this.send('GET', base + path, undefined, signal);
        if (!isFault(answer)) return answer;
        const wait = answer.retryAfterMs ?? backoff(attempt);
        if (last || wait > LONGEST_PAUSE_MS) throw unavailable(this.failed(path), `HTTP ${answer.status}`);
        await this.pause(wait, signal);
      } catch (error) {
        if (!(error instanceof LostAnswer)) throw error;
        if (last) throw error.failure;
        await this.pause(backoff(attempt), signal);
      }
    }
  }

  /**
   * Sends once.
   * @throws LostAnswer when no answer or a fault (429, 5xx) came, which leaves open whether the server did the work.
   */
  async change(method: 'POST' | 'PUT', path: string, body: unknown, signal?: AbortSignal): Promise<Answer> {
    const answer = await this.send(method, BASE + path, body, signal);
    if (isFault(answer)) throw new LostAnswer(unavailable(this.failed(path), `HTTP ${answer.status}`));
    return answer;
  }

  close(): Promise<void> {
    return this.agent.close();
  }

  private async send(
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    body: unknown,
    signal: AbortSignal | undefined,
  ): Promise<Answer & { retryAfterMs: number | null }> {
    const authorization = await this.authorization?.(signal);
    const deadline = AbortSignal.timeout(this.limits.milliseconds);
    try {
      const response = await request(`${this.server}${path}`, {
        dispatcher: this.agent,
        method,
        headers: {
          accept: 'application/json',
          ...(authorization !== undefined && { authorization }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
      });
      const { 'retry-after': retryAfter, location, 'www-authenticate': challenge } = response.headers;
      const text = await this.read(response.body, path);
      return {
        status: response.statusCode,
        body: parse(text),
        location: typeof location === 'string' ? location : null,
        challenge: typeof challenge === 'string' ? challenge : null,
        retryAfterMs: typeof retryAfter === 'string' ? retryPause(retryAfter) : null,
      };
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof MedperfError) throw error;
      const reason = deadline.aborted ? `no whole answer within ${this.limits.milliseconds / 1000} s` : reasonOf(error);
      const next = isUntrusted(error) ? { next: WHEN_UNTRUSTED } : {};
      throw new LostAnswer(unavailable(this.failed(path), reason, { cause: error, ...next }));
    }
  }

  private async read(body: Dispatcher.ResponseData['body'], path: string): Promise<string> {
    // A body that is given up unread reports that as an error, which nobody waits for.
    body.on('error', () => undefined);
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      bytes += chunk.byteLength;
      if (bytes > this.limits.bytes) throw this.tooLarge(path);
      chunks.push(chunk);
    }
    return new TextDecoder().decode(Buffer.concat(chunks));
  }

  private tooLarge(path: string): MedperfError {
    return new MedperfError('RegistryRejected', {
      what: `The answer of ${this.server} to ${plain(path)} is too large.`,
      expected: `at most ${this.limits.bytes} bytes`,
      found: 'more',
      next: "Check that the profile's server address is a MedPerf server.",
    });
  }

  private failed(path: string): string {
    return `The registry at ${this.server} did not answer ${plain(path)}.`;
  }
}

/** As the reference writes it: without the API's base, and without what may be secret. */
function plain(path: string): string {
  const [shown = path] = path.split('?');
  return shown.startsWith(`${BASE}/`) ? shown.slice(BASE.length) : shown;
}

/** The server may or may not have done what it was asked for; `failure` is what to throw when that stays unknown. */
export class LostAnswer extends Error {
  constructor(readonly failure: Error) {
    super(failure.message, { cause: failure });
  }
}

function isFault({ status }: Answer): boolean {
  return status === 429 || status >= 500;
}

/** The connection came about, and its certificate is not to be trusted. */
function isUntrusted(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && UNTRUSTED.test(String(error.code));
}

function backoff(attempt: number): number {
  return FIRST_PAUSE_MS * 2 ** (attempt - 1) * (1 + Math.random());
}

/** Milliseconds asked for by a `Retry-After` of seconds or of a date. */
function retryPause(text: string): number | null {
  const milliseconds = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isNaN(milliseconds) ? null : Math.max(0, milliseconds);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  return error.message === '' ? code : error.message;
}

async function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  await setTimeout(milliseconds, undefined, signal && { signal });
}
