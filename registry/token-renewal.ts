import { MedperfError } from '../contract';
import type { DeviceCredentials, SignInPlace } from './credentials';
import { TOKENS, askIssuer, errorOf, issuerUnavailable, issuersWords } from './token-issuer';

/** A token that ends within so long is renewed first, as MedPerf's client does. */
const RENEWED_BEFORE_MS = 10_000;
/** After so long MedPerf's client asks for a new sign-in, whatever the issuer would allow. */
const LONGEST_SIGN_IN_MS = 2_592_000_000;
const SUCCESS = 200;

/** Whether the tokens are to be renewed before they are used, or cannot be any more. */
export function isToBeRenewed(credentials: DeviceCredentials, now = Date.now()): boolean {
  return credentials.expiresAt - now <= RENEWED_BEFORE_MS || isOver(credentials, now);
}

/**
 * Renews the tokens of a profile. The old refresh token counts no more from then on, also when the answer gets lost: the
 * next renewal is refused then, and says so.
 * @throws MedperfError `NeedsAttention` when a new sign-in is needed, `RegistryUnavailable` when the issuer does not answer.
 */
export async function renew(
  place: SignInPlace,
  old: DeviceCredentials,
  { profile, now = Date.now() }: { readonly profile: string; readonly now?: number },
): Promise<DeviceCredentials> {
  if (isOver(old, now)) throw signInAgain(place, 'a sign-in of more than thirty days ago', profile);
  const form = { grant_type: 'refresh_token', client_id: place.clientId, refresh_token: old.refreshToken };
  const answer = await askIssuer(place, '/oauth/token', form);
  const tokens = TOKENS.safeParse(answer.body);
  if (tokens.success) {
    const { access_token: accessToken, refresh_token: refreshToken = old.refreshToken, expires_in } = tokens.data;
    return { ...old, accessToken, refreshToken, expiresAt: now + expires_in * 1000 };
  }
  if (errorOf(answer) === null) throw issuerUnavailable(place, `HTTP ${answer.status}, and no word of an issuer's`);
  throw signInAgain(place, issuersWords(answer), profile);
}

/**
 * Gives the refresh token up at the issuer. MedPerf's own takes JSON, the standard (RFC 7009) a form.
 * @throws MedperfError `RegistryUnavailable` when the issuer did not do it.
 */
export async function revoke(
  place: SignInPlace,
  { refreshToken: token }: Pick<DeviceCredentials, 'refreshToken'>,
): Promise<void> {
  const fields = { client_id: place.clientId, token };
  for (const json of [true, false]) {
    const answer = await askIssuer(place, '/oauth/revoke', fields, { json });
    if (answer.status === SUCCESS) return;
    if (!json) throw issuerUnavailable(place, issuersWords(answer));
  }
}

function isOver({ signedInAt }: DeviceCredentials, now: number): boolean {
  return now - signedInAt > LONGEST_SIGN_IN_MS;
}

function signInAgain({ domain }: SignInPlace, found: string, profile: string): MedperfError {
  return new MedperfError('NeedsAttention', {
    what: `The sign-in of the profile "${profile}" at ${domain} has ended.`,
    found,
    next: `Sign in again: temporal-medperf login --profile ${profile}`,
  });
}
