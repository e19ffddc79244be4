import { Agent, request } from 'undici';
import type { Dispatcher } from 'undici';
import { RegistryTokens } from './registry-tokens';
import type { ImageCredentials } from './registry-tokens';
import type { RegistryAnswer, RegistryRequest, Right } from './registry-exchange';
import { ImageRegistryFailure, rateLimited, unauthorised, unreachable, unusable } from './image-registry-failures';

const DOCKER_API_HOST = 'registry-1.docker.io';
const CONNECT_TIMEOUT_MS = 10_000;
const MAX_REDIRECTS = 5;
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/;

export interface TransportLimits {
  /** From asking to the answer's last byte, for questions and small answers. */
  readonly answerMs: number;
  /** For sending one piece of an upload. */
  readonly pieceMs: number;
}

export interface TransportOptions {
  /** As an image's reference names it. */
  readonly host: string;
  /** Speak plain HTTP although the host is not this machine. */
  readonly plainHttp: boolean;
  readonly credentials: () => Promise<ImageCredentials | null>;
  readonly limits: TransportLimits;
}

/**
 * HTTP to one image registry: signs in as its challenge asks, never over plain HTTP beyond this machine unless the operator
 * names the host, and takes the authorization nowhere but to the registry's own origin. One attempt; failures are
 * {@link ImageRegistryFailure}s, statuses below 500 other than 401, 403 and 429 are answers.
 */
export class RegistryTransport {
  private readonly agent = new Agent({ connect: { timeout: CONNECT_TIMEOUT_MS }, keepAliveTimeout: 10_000 });
  private readonly origin: URL;
  private readonly tokens: RegistryTokens;

  constructor(private readonly options: TransportOptions) {
    const { host, plainHttp } = options;
    const scheme = plainHttp || LOOPBACK.test(host) ? 'http' : 'https';
    this.origin = new URL(`${scheme}://${host === 'docker.io' ? DOCKER_API_HOST : host}`);
    this.tokens = new RegistryTokens({
      host,
      secureOnly: this.origin.protocol === 'https:',
      credentials: options.credentials,
      fetch: (url, request) => this.exchange(url, request, options.limits.answerMs, TOKEN_BYTES),
    });
  }

  /** @param maxBytes of the answer's body; a larger one is refused. */
  async send(wanted: RegistryRequest, maxBytes: number): Promise<RegistryAnswer> {
    const { repository, right, signal } = wanted;
    const scope = { repository, right };
    const url = this.resolve(wanted.address);
    const first = await this.followed(url, wanted, this.tokens.known(scope), maxBytes);
    // Another place that a redirect led to may not ask for credentials.
    const challenged = first.status === 401 && first.url.origin === this.origin.origin;
    if (!challenged) return this.judged(first, right, this.tokens.signedIn);
    const authorization = await this.tokens.answer(first.header('www-authenticate') ?? '', scope, signal);
    const second = await this.followed(url, wanted, authorization, maxBytes);
    return this.judged(second, right, this.tokens.signedIn);
  }

  /** An address of the registry's; never from https to http. */
  resolve(address: string, base: URL = this.origin): URL {
    if (!URL.canParse(address, base.href)) throw this.unusable('an address that is no URL');
    const url = new URL(address, base);
    const allowed = url.protocol === 'https:' || (url.protocol === 'http:' && this.origin.protocol === 'http:');
    if (!allowed || url.username !== '') throw this.unusable(`an address that begins with ${url.protocol}//`);
    return url;
  }

  close(): Promise<void> {
    return this.agent.destroy();
  }

  private async followed(
    start: URL,
    wanted: RegistryRequest,
    authorization: string | null,
    maxBytes: number,
  ): Promise<RegistryAnswer> {
    const { method, headers = {}, body, signal } = wanted;
    const milliseconds = body === undefined ? this.options.limits.answerMs : this.options.limits.pieceMs;
    let url = start;
    for (let redirects = 0; ; redirects += 1) {
      const own = url.origin === this.origin.origin;
      const sent = own && authorization !== null ? { ...headers, authorization } : headers;
      const answer = await this.exchange(url, { method, headers: sent, body, signal }, milliseconds, maxBytes);
      const location = answer.header('location');
      const reading = method === 'GET' || method === 'HEAD';
      if (!reading || !REDIRECTS.includes(answer.status) || location === null) return answer;
      if (redirects === MAX_REDIRECTS) throw this.unusable(`more than ${MAX_REDIRECTS} redirects`);
      url = this.resolve(location, url);
    }
  }

  private judged(answer: RegistryAnswer, right: Right, signedIn: boolean): RegistryAnswer {
    const { host } = this.options;
    const { status } = answer;
    if (status === 401 || status === 403) {
      throw unauthorised(host, right === 'pull' ? 'read the image' : 'push the image', signedIn, `status ${status}`);
    }
    if (status === 429) throw rateLimited(host, answer.header('retry-after'));
    if (status >= 500 || status === 408) throw unreachable(host, `status ${status}`);
    return answer;
  }

  private async exchange(
    url: URL,
    wanted: Pick<RegistryRequest, 'method' | 'headers'> & {
      readonly body: Uint8Array | undefined;
      readonly signal: AbortSignal | undefined;
    },
    milliseconds: number,
    maxBytes: number,
  ): Promise<RegistryAnswer> {
    const { method, headers = {}, body, signal } = wanted;
    const deadline = AbortSignal.timeout(milliseconds);
    try {
      const answer = await request(url, {
        dispatcher: this.agent,
        method,
        headers: { 'accept-encoding': 'identity', ...headers },
        body: body ?? null,
        headersTimeout: milliseconds,
        bodyTimeout: milliseconds,
        signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
      });
      return {
        status: answer.statusCode,
        url,
        header: (name) => single(answer.headers[name]),
        body: await this.read(answer, maxBytes),
      };
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof ImageRegistryFailure) throw error;
      const found = deadline.aborted ? `no whole answer within ${milliseconds / 1000} s` : reasonOf(error);
      throw unreachable(this.options.host, found, error);
    }
  }

  private async read({ body }: Dispatcher.ResponseData, maxBytes: number): Promise<Buffer> {
    // A body that is given up unread reports that as an error, which nobody waits for.
    body.on('error', () => undefined);
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      bytes += chunk.byteLength;
      if (bytes > maxBytes) throw this.unusable(`an answer of more than ${maxBytes} bytes`);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  private unusable(found: string): ImageRegistryFailure {
    const { host } = this.options;
    const next = 'Check the name of the image and that its host is an image registry.';
    return unusable(`The answer of the image registry ${host} cannot be used.`, found, next);
  }
}

const TOKEN_BYTES = 256 * 1024;

function single(header: string | string[] | undefined): string | null {
  return (Array.isArray(header) ? header[0] : header) ?? null;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'no answer';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
