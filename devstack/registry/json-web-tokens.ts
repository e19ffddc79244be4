import { createPublicKey } from 'node:crypto';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import type { JWTPayload, JWTVerifyGetKey } from 'jose';
import { accountByName, addAccount } from './accounts';
import type { StoredAccount } from './accounts';
import { NO_CREDENTIALS, unauthenticated, wordsOf } from './authentication';
import type { Authentication } from './authentication';
import type { Sql } from './database';
import type { Refusal } from './refusals';
import type { TokenSettings } from './token-settings';

const ALGORITHM = 'RS256';
/** Only asked for when a user is seen for the first time. */
const EMAIL_CLAIM = 'https://medperf.org/email';

/**
 * E25 and HEAD: JSON Web Tokens of an issuer, signed with RS256. A token's `sub` is the user's name; who calls for the first
 * time is added, with the e-mail that his token claims then.
 * @param administrators names of users who may do everything.
 */
export function jsonWebTokens(
  settings: TokenSettings,
  { administrators }: { readonly administrators: readonly string[] },
): Authentication {
  const challenge = 'Bearer realm="api"';
  const read = tokenReader(settings);
  const refused = (detail: string, code: string, more: object = {}): Refusal =>
    unauthenticated(challenge, { detail, code, ...more });
  const invalid = (detail: string, more?: object): Refusal => refused(detail, 'token_not_valid', more);
  return {
    challenge,
    authenticate: async (sql, header = '') => {
      const [scheme, ...words] = wordsOf(header);
      if (scheme !== 'Bearer') throw unauthenticated(challenge, NO_CREDENTIALS);
      const [token, ...more] = words;
      if (token === undefined || more.length > 0) {
        throw refused('Authorization header must contain two space-delimited values', 'bad_authorization_header');
      }
      const claims = await read(token);
      if (claims === null) {
        const message = { token_class: 'AccessToken', token_type: 'access', message: 'Token is invalid or expired' };
        throw invalid('Given token not valid for any token type', { messages: [message] });
      }
      const username = claims.sub;
      if (!username) throw invalid('Token contained no recognizable user identification');
      const user = (await accountByName(sql, username)) ?? (await firstCall(sql, username, claims));
      if (user === null) throw invalid('Token must contain the user email address');
      if (!user.active) throw refused('User is inactive', 'user_inactive');
      return { id: user.id, superuser: user.superuser || administrators.includes(username) };
    },
  };
}

/** The account that a first call makes; null for a token without e-mail. */
async function firstCall(sql: Sql, username: string, claims: JWTPayload): Promise<StoredAccount | null> {
  const email = claims[EMAIL_CLAIM];
  return typeof email === 'string' && email !== '' ? addAccount(sql, { username, email }) : null;
}

/** Reads a token's claims, or null when anything about it is wrong. */
function tokenReader(settings: TokenSettings): (token: string) => Promise<JWTPayload | null> {
  const { audience, issuer } = settings;
  const options = { algorithms: [ALGORITHM], audience, issuer, requiredClaims: ['exp'] };
  const key = keyOf(settings);
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, key, options);
      return isFromTheFuture(payload) || !hasSubjectOfText(payload) ? null : payload;
    } catch {
      // Django's library answers alike for a wrong token and for keys that cannot be had.
      return null;
    }
  };
}

function keyOf(settings: TokenSettings): JWTVerifyGetKey {
  if ('jwkUrl' in settings) return createRemoteJWKSet(new URL(settings.jwkUrl));
  const key = createPublicKey(settings.verifyingKey);
  return () => Promise.resolve(key);
}

/** `exp` and `nbf` are checked with the signature. */
function isFromTheFuture({ iat }: JWTPayload): boolean {
  return iat !== undefined && Math.trunc(iat) > Date.now() / 1000;
}

/** The type says that `sub` is a text; only the issuer knows. */
function hasSubjectOfText({ sub }: { readonly sub?: unknown }): boolean {
  return sub === undefined || typeof sub === 'string';
}
