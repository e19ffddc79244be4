import { request } from 'undici';
import { z } from 'zod';
import { MedperfError } from '../contract';
import type { SignInPlace } from './credentials';

const ANSWER_MS = 8_000;
/** Longest text of an issuer's that goes into a message, in characters. */
const LONGEST = 300;
const TOO_MANY_REQUESTS = 429;
const FAILURE = z.object({ error: z.string(), error_description: z.string().optional() });

/** What an issuer gives for a code or a refresh token; times in seconds. */
export const TOKENS = z.object({
  access_token: z.string().min(1),
  refresh_token: z.string().min(1).optional(),
  id_token: z.string().optional(),
  expires_in: z.number().positive(),
});

export interface IssuerAnswer {
  readonly status: number;
  /** Parsed JSON, or undefined when the answer is something else. */
  readonly body: unknown;
}

/** Where the issuer's endpoints are; a domain with a scheme is for tests and development. */
export function originOf({ domain }: SignInPlace): string {
  return domain.includes('://') ? domain.replace(/\/+$/, '') : `https://${domain}`;
}

/**
 * Sends a form to the issuer, or JSON where its endpoint takes that.
 * @throws MedperfError `RegistryUnavailable` when it does not answer, has a fault (5xx) or asks to be left alone (429).
 */
export async function askIssuer(
  place: SignInPlace,
  path: string,
  fields: Readonly<Record<string, string>>,
  { json = false, signal }: { readonly json?: boolean; readonly signal?: AbortSignal | undefined } = {},
): Promise<IssuerAnswer> {
  const end = AbortSignal.timeout(ANSWER_MS);
  try {
    const { statusCode, body } = await request(`${originOf(place)}${path}`, {
      method: 'POST',
      headers: {
        'content-type': json ? 'application/json' : 'application/x-www-form-urlencoded',
        accept: 'application/json',
      },
      body: json ? JSON.stringify(fields) : new URLSearchParams(fields).toString(),
      signal: signal === undefined ? end : AbortSignal.any([signal, end]),
    });
    const text = await body.text();
    if (statusCode === TOO_MANY_REQUESTS) throw issuerUnavailable(place, 'HTTP 429: too many requests');
    if (statusCode >= 500) throw issuerUnavailable(place, `HTTP ${statusCode}`);
    return { status: statusCode, body: parsed(text) };
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof MedperfError) throw error;
    throw issuerUnavailable(place, end.aborted ? `no answer within ${ANSWER_MS / 1000} s` : reasonOf(error));
  }
}

/** The issuer's name for what it refuses, such as `invalid_grant`; null for an answer that is not an issuer's. */
export function errorOf({ body }: IssuerAnswer): string | null {
  return FAILURE.safeParse(body).data?.error ?? null;
}

/** The issuer's own words; never a token. */
export function issuersWords({ status, body }: IssuerAnswer): string {
  const failure = FAILURE.safeParse(body).data;
  if (failure === undefined) return `HTTP ${status}`;
  return [failure.error, failure.error_description].filter(Boolean).join(': ').slice(0, LONGEST);
}

export function issuerUnavailable({ domain }: SignInPlace, found: string): MedperfError {
  return new MedperfError('RegistryUnavailable', {
    what: `${domain}, where the registry's users sign in, did not answer.`,
    found,
    next: 'Check that it can be reached from here; the step is tried again.',
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}
