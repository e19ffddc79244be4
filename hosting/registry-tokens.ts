import { z } from 'zod';
import { unauthorised, unusable } from './image-registry-failures';
import { readChallenges } from './registry-challenge';
import type { Challenge } from './registry-challenge';
import type { RegistryAnswer, RegistryRequest, Right } from './registry-exchange';

/** A sign-in as `docker login` leaves it. Never to be logged. */
export type ImageCredentials =
  { readonly username: string; readonly password: string } | { readonly identitytoken: string };

interface Scope {
  readonly repository: string;
  readonly right: Right;
}

interface KnownToken {
  readonly authorization: string;
  readonly until: number;
}

export interface RegistryTokensOptions {
  readonly host: string;
  /** The registry itself is spoken to over https, and so everything that gives tokens is. */
  readonly secureOnly: boolean;
  readonly credentials: () => Promise<ImageCredentials | null>;
  readonly fetch: (
    url: URL,
    request: Pick<RegistryRequest, 'method' | 'headers'> & {
      readonly body: Uint8Array | undefined;
      readonly signal: AbortSignal | undefined;
    },
  ) => Promise<RegistryAnswer>;
}

/** The specification's default, and what is left of it for the way there. */
const DEFAULT_SECONDS = 60;
const MARGIN_SECONDS = 10;
const MOST_SECONDS = 3600;
const CLIENT = 'temporal-medperf';

const tokenAnswer = z.object({
  token: z.string().optional(),
  access_token: z.string().optional(),
  expires_in: z.number().positive().optional().catch(undefined),
});

/** What is sent as `Authorization`, by scope, for as long as it is good. */
export class RegistryTokens {
  /** Whether the last answer to a challenge used somebody's credentials. */
  signedIn = false;
  private readonly tokens = new Map<string, KnownToken>();

  constructor(private readonly options: RegistryTokensOptions) {}

  known(scope: Scope): string | null {
    const token = this.tokens.get(nameOf(scope));
    return token === undefined || token.until <= Date.now() ? null : token.authorization;
  }

  /** Answers a challenge. @throws ImageRegistryFailure `unauthorised` when there is nothing to answer with. */
  async answer(header: string, scope: Scope, signal?: AbortSignal): Promise<string> {
    const credentials = await this.options.credentials();
    this.signedIn = credentials !== null;
    const challenges = readChallenges(header);
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
    const token =
      bearer !== undefined
        ? await this.fetchToken(bearer, scope, credentials, signal)
        : basicToken(
            challenges.some(({ scheme }) => scheme === 'basic'),
            credentials,
          );
    if (token === null) throw this.refused(scope, 'status 401');
    this.tokens.set(nameOf(scope), token);
    return token.authorization;
  }

  private async fetchToken(
    { parameters }: Challenge,
    scope: Scope,
    credentials: ImageCredentials | null,
    signal: AbortSignal | undefined,
  ): Promise<KnownToken> {
    const url = this.realm(parameters['realm'] ?? '');
    const service = parameters['service'];
    const query = new URLSearchParams({ ...(service === undefined ? {} : { service }), scope: nameOf(scope) });
    const answer = await this.options.fetch(url, tokenRequest(url, query, credentials, signal));
    if (answer.status === 429) throw this.refused(scope, 'status 429 from its token server');
    const parsed = answer.status === 200 ? tokenAnswer.safeParse(jsonOf(answer.body)).data : undefined;
    const token = parsed?.token ?? parsed?.access_token;
    if (token === undefined || !/^[\x21-\x7e]+$/.test(token)) {
      throw this.refused(scope, `status ${answer.status} from its token server`);
    }
    const seconds = Math.min(parsed?.expires_in ?? DEFAULT_SECONDS, MOST_SECONDS);
    return { authorization: `Bearer ${token}`, until: Date.now() + (seconds - MARGIN_SECONDS) * 1000 };
  }

  /** Where the credentials go to: over https, or plain where the registry itself is plain. */
  private realm(text: string): URL {
    const url = URL.canParse(text) ? new URL(text) : null;
    const protocols = this.options.secureOnly ? ['https:'] : ['https:', 'http:'];
    if (url !== null && protocols.includes(url.protocol) && url.username === '') return url;
    throw unusable(
      `The image registry ${this.options.host} asks for a token in a way that cannot be used.`,
      'no address of a token server, or one without encryption',
      'Ask the operator of the registry to correct its token server.',
    );
  }

  private refused({ right }: Scope, found: string): Error {
    const doing = right === 'pull' ? 'read the image' : 'push the image';
    return unauthorised(this.options.host, doing, this.signedIn, found);
  }
}

function nameOf({ repository, right }: Scope): string {
  return `repository:${repository}:${right}`;
}

function basicToken(offered: boolean, credentials: ImageCredentials | null): KnownToken | null {
  if (!offered || credentials === null || !('username' in credentials)) return null;
  return { authorization: basic(credentials), until: Number.POSITIVE_INFINITY };
}

function basic({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/** With an identity token OAuth's refresh, as Docker does it; else a GET, signed where there are credentials. */
function tokenRequest(
  url: URL,
  query: URLSearchParams,
  credentials: ImageCredentials | null,
  signal: AbortSignal | undefined,
): Parameters<RegistryTokensOptions['fetch']>[1] {
  if (credentials !== null && 'identitytoken' in credentials) {
    query.set('grant_type', 'refresh_token');
    query.set('client_id', CLIENT);
    query.set('refresh_token', credentials.identitytoken);
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    return { method: 'POST', headers, body: Buffer.from(query.toString()), signal };
  }
  for (const [name, value] of query) url.searchParams.set(name, value);
  return {
    method: 'GET',
    headers: credentials === null ? {} : { authorization: basic(credentials) },
    body: undefined,
    signal,
  };
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
