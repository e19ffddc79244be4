import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { MedperfError } from '../contract';
import { accepted } from './answers';
import { authorizationOf } from './credentials';
import type { Credentials, SignInPlace } from './credentials';
import { signInByDevice } from './device-sign-in';
import type { DeviceSignIn } from './device-sign-in';
import { HttpSession, LostAnswer } from './http-session';
import { USER } from './records';
import type { User } from './registry';
import { readDialect } from './server-dialect';
import type { Dialect } from './server-dialect';

const TOKEN = z.object({ token: z.string().min(1) });
const TOKENS_BY_EMAIL = z.record(z.string(), z.string().min(1));

/** A server, and how it may be reached. */
export interface ServerPlace {
  readonly server: string;
  /** PEM of the authority that alone may certify the server. */
  readonly ca?: string;
}

export interface SignedIn {
  readonly credentials: Credentials;
  readonly user: User;
}

/** Where the users of MedPerf's own server sign in (reference: medperf.md, 3). */
export const MEDPERF_SERVER = 'https://api.medperf.org';
export const MEDPERF_SIGN_IN: SignInPlace = {
  domain: 'auth.medperf.org',
  clientId: 'vFtfndViDFd0BeMdMKBgsKA9aV9BDtrY',
  audience: 'https://api.medperf.org/',
};

/** What a server says without credentials of how one signs in. */
export interface SignInFacts {
  /** Null where it cannot be told. */
  readonly dialect: Dialect | null;
  /** Whether the server itself takes user names and passwords; else its users sign in at an issuer of tokens. */
  readonly passwords: boolean;
}

const METHOD_NOT_ALLOWED = 405;

/** @throws MedperfError `RegistryUnavailable`, `RegistryRejected` for a server between two generations. */
export async function findSignIn(place: ServerPlace, signal?: AbortSignal): Promise<SignInFacts> {
  const session = new HttpSession(place);
  try {
    const dialect = await readDialect(session, signal);
    const { status } = await session.get('/auth-token/', signal);
    return { dialect, passwords: status === METHOD_NOT_ALLOWED };
  } finally {
    await session.close();
  }
}

/**
 * Signs in with user name and password, as MedPerf's servers first did (E23).
 * @throws MedperfError `RegistryRejected` with the server's words, `RegistryUnavailable`, `InvalidRequest` (address).
 */
export async function signInByPassword(
  place: ServerPlace,
  { username, password }: { readonly username: string; readonly password: string },
  signal?: AbortSignal,
): Promise<SignedIn> {
  const session = new HttpSession(place);
  try {
    const answer = await session.change('POST', '/auth-token/', { username, password }, signal);
    const next = 'Check the user name and the password, and that the server takes sign-in by password.';
    const { token } = accepted(answer, TOKEN, `Signing in at ${session.server} failed.`, next);
    return await asUser(place, { kind: 'password', token }, signal);
  } catch (error) {
    throw error instanceof LostAnswer ? error.failure : error;
  } finally {
    await session.close();
  }
}

/**
 * Signs in with a token of a development server's own issuer.
 * @param tokens file that holds `{ email: token }`.
 */
export async function signInLocally(
  place: ServerPlace,
  { email, tokens }: { readonly email: string; readonly tokens: string },
  signal?: AbortSignal,
): Promise<SignedIn> {
  const known = TOKENS_BY_EMAIL.safeParse(await readJson(tokens));
  if (!known.success) throw noTokens('something else');
  const token = Object.hasOwn(known.data, email) ? known.data[email] : undefined;
  if (token === undefined) {
    throw new MedperfError('InvalidRequest', {
      what: `There is no token for ${email}.`,
      expected: Object.keys(known.data).join(', ') || 'tokens in the file',
      next: 'Name one of these users.',
    });
  }
  return asUser(place, { kind: 'local', token }, signal);
}

/** Signs in by the device flow of the server's issuer; see {@link signInByDevice}. */
export async function signInAtIssuer(place: ServerPlace, at: SignInPlace, options: DeviceSignIn): Promise<SignedIn> {
  return asUser(place, await signInByDevice(at, options), options.signal);
}

/** The server's own word on who that is. */
async function asUser(
  place: ServerPlace,
  credentials: Credentials,
  signal: AbortSignal | undefined,
): Promise<SignedIn> {
  const session = new HttpSession({ ...place, authorization: () => Promise.resolve(authorizationOf(credentials)) });
  try {
    const what = `${session.server} does not know the user who signed in.`;
    return { credentials, user: accepted(await session.get('/me/', signal), USER, what) };
  } finally {
    await session.close();
  }
}

async function readJson(file: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw noTokens((error as NodeJS.ErrnoException).code ?? 'no reason given');
  }
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function noTokens(found: string): MedperfError {
  return new MedperfError('InvalidRequest', {
    what: 'The file with the tokens of the development server cannot be used.',
    expected: 'JSON of the form { "user@example.com": "token" }',
    found,
    next: 'Name the file that the development server wrote: --tokens FILE',
  });
}
