import { setTimeout as delay } from 'node:timers/promises';
import { createRemoteJWKSet, errors, jwtVerify } from 'jose';
import { z } from 'zod';
import { MedperfError } from '../contract';
import type { DeviceCredentials, SignInPlace } from './credentials';
import { TOKENS, askIssuer, errorOf, issuerUnavailable, issuersWords, originOf } from './token-issuer';
import type { IssuerAnswer } from './token-issuer';
import { revoke } from './token-renewal';

const SCOPE = 'offline_access openid email';
const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
const KEYS_MS = 8_000;
const USUAL_INTERVAL_S = 5;
/** By so much the pauses grow when the issuer says `slow_down` or does not answer (RFC 8628, 3.5). */
const SLOWER_S = 5;

const DEVICE_CODE = z.object({
  device_code: z.string(),
  user_code: z.string(),
  verification_uri_complete: z.string().optional(),
  verification_uri: z.string(),
  expires_in: z.number().positive(),
  interval: z.number().positive().default(USUAL_INTERVAL_S),
});

/** What the person has to do; the page is to be opened in a browser, on whatever machine. */
export interface DeviceCode {
  readonly page: string;
  readonly code: string;
}

export interface DeviceSignIn {
  /** As the person typed it; the one that signs in must be the same. */
  readonly email: string;
  readonly onCode: (code: DeviceCode) => void;
  /** Waits between two questions whether it is confirmed. */
  readonly pause?: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Signs in by the device flow (RFC 8628) of the server's issuer, and waits until the person has confirmed it in a browser.
 * @throws MedperfError `NeedsAttention` when it is refused, not confirmed in time or confirmed by somebody else,
 * `RegistryUnavailable` when the issuer does not answer.
 */
export async function signInByDevice(place: SignInPlace, options: DeviceSignIn): Promise<DeviceCredentials> {
  const { clientId: client_id, audience } = place;
  const { signal } = options;
  const answer = await askIssuer(place, '/oauth/device/code', { client_id, audience, scope: SCOPE }, { signal });
  const started = DEVICE_CODE.safeParse(answer.body);
  if (!started.success) throw refused(place, answer, 'The sign-in could not be begun.');
  const { user_code: code, verification_uri, verification_uri_complete: page = verification_uri } = started.data;
  options.onCode({ page, code });
  const tokens = await confirmed(place, started.data, options);
  const { refresh_token: refreshToken, access_token: accessToken } = tokens;
  if (refreshToken === undefined) throw noRefreshToken(place);
  const signedInAt = Date.now();
  const credentials = { accessToken, refreshToken, expiresAt: signedInAt + tokens.expires_in * 1000, signedInAt };
  try {
    await requireEmail(place, tokens.id_token, options.email);
  } catch (error) {
    // Nobody keeps these tokens; that the issuer cannot be told so changes nothing of what failed.
    await revoke(place, credentials).catch(() => undefined);
    throw error;
  }
  return { kind: 'device', ...credentials };
}

/** Asks again and again, until the person has confirmed. */
async function confirmed(
  place: SignInPlace,
  { device_code, interval, expires_in }: z.infer<typeof DEVICE_CODE>,
  { pause = sleep, signal }: DeviceSignIn,
): Promise<z.infer<typeof TOKENS>> {
  const form = { grant_type: DEVICE_GRANT, client_id: place.clientId, device_code };
  const end = performance.now() + expires_in * 1000;
  for (let seconds = interval; ;) {
    await pause(seconds * 1000, signal);
    const answer = await askUnlessDown(place, form, signal);
    const tokens = TOKENS.safeParse(answer?.body);
    if (tokens.success) return tokens.data;
    const error = answer === null ? 'slow_down' : errorOf(answer);
    if (error === 'slow_down') seconds += SLOWER_S;
    else if (error !== 'authorization_pending') throw notConfirmed(place, answer, error);
    if (performance.now() > end) throw notConfirmed(place, answer, 'expired_token');
  }
}

/** Null when the issuer does not answer now; the person goes on meanwhile. */
async function askUnlessDown(
  place: SignInPlace,
  form: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
): Promise<IssuerAnswer | null> {
  try {
    return await askIssuer(place, '/oauth/token', form, { signal });
  } catch (error) {
    if (error instanceof MedperfError && error.type === 'RegistryUnavailable') return null;
    throw error;
  }
}

/** Whom a browser is signed in as need not be who asked here. */
async function requireEmail(place: SignInPlace, idToken: string | undefined, wanted: string): Promise<void> {
  const keys = new URL(place.jwksUrl ?? `${originOf(place)}/.well-known/jwks.json`);
  const rules = {
    issuer: place.issuer ?? `${originOf(place)}/`,
    audience: place.clientId,
    algorithms: ['RS256'],
    requiredClaims: ['exp'],
  };
  const email = await emailOf(place, () =>
    jwtVerify(idToken ?? '', createRemoteJWKSet(keys, { timeoutDuration: KEYS_MS }), rules),
  );
  if (typeof email === 'string' && email.toLowerCase() === wanted.trim().toLowerCase()) return;
  throw new MedperfError('NeedsAttention', {
    what: 'Another user signed in.',
    expected: wanted,
    found: typeof email === 'string' ? email : 'no e-mail address',
    next: 'Sign out in the browser, then sign in again as the user you named: temporal-medperf login',
  });
}

async function emailOf(place: SignInPlace, verify: () => ReturnType<typeof jwtVerify>): Promise<unknown> {
  try {
    return (await verify()).payload['email'];
  } catch (error) {
    const untrusted = error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout);
    if (!untrusted) throw issuerUnavailable(place, 'no keys to check its tokens with');
    throw new MedperfError('NeedsAttention', {
      what: `What ${place.domain} says of the user who signed in cannot be trusted.`,
      found: error.code,
      next: "Check the profile's domain, issuer and client id, and sign in again.",
    });
  }
}

function notConfirmed(place: SignInPlace, answer: IssuerAnswer | null, error: string | null): MedperfError {
  if (error === 'access_denied') {
    return new MedperfError('NeedsAttention', {
      what: 'The sign-in was denied in the browser.',
      next: 'Sign in again, and confirm it there: temporal-medperf login',
    });
  }
  if (error === 'expired_token') {
    return new MedperfError('NeedsAttention', {
      what: 'The sign-in was not confirmed in time.',
      next: 'Sign in again, and confirm it in the browser: temporal-medperf login',
    });
  }
  return answer === null
    ? issuerUnavailable(place, 'no answer')
    : refused(place, answer, 'The sign-in was not confirmed.');
}

function refused({ domain }: SignInPlace, answer: IssuerAnswer, what: string): MedperfError {
  return new MedperfError('NeedsAttention', {
    what: `${what} ${domain} refused it.`,
    found: issuersWords(answer),
    next: "Check the profile's domain, client id and audience, and sign in again: temporal-medperf login",
  });
}

function noRefreshToken({ domain }: SignInPlace): MedperfError {
  return new MedperfError('NeedsAttention', {
    what: `${domain} gave no token to go on with, so the sign-in would end soon.`,
    expected: 'a refresh token for the scope offline_access',
    next: "Check the profile's client id with the operator of the server.",
  });
}

async function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  await delay(milliseconds, undefined, signal && { signal });
}
