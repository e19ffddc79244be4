import { accountByToken } from './accounts';
import type { Account } from './resource';
import type { Sql } from './database';
import { Refusal } from './refusals';

/** How the sender of a call is known. */
export interface Authentication {
  /** The header `WWW-Authenticate` of a 401. */
  readonly challenge: string;
  /** @param header the call's `Authorization`. @throws Refusal 401 */
  authenticate(sql: Sql, header: string | undefined): Promise<Account>;
}

export const NO_CREDENTIALS = { detail: 'Authentication credentials were not provided.' };

/** E23: a token that the server gave for user name and password, refused as Django REST framework words it. */
export function passwordTokens(): Authentication {
  const challenge = 'Token';
  const refused = (detail: string): Refusal => unauthenticated(challenge, { detail });
  return {
    challenge,
    authenticate: async (sql, header = '') => {
      const [scheme, ...words] = wordsOf(header);
      if (scheme?.toLowerCase() !== 'token') throw unauthenticated(challenge, NO_CREDENTIALS);
      const [token, ...more] = words;
      if (token === undefined) throw refused('Invalid token header. No credentials provided.');
      if (more.length > 0) throw refused('Invalid token header. Token string should not contain spaces.');
      const user = await accountByToken(sql, token);
      if (user === null) throw refused('Invalid token.');
      if (!user.active) throw refused('User inactive or deleted.');
      return user;
    },
  };
}

/** A header's words; the first is its scheme. */
export function wordsOf(header: string): string[] {
  return header.trim().split(/\s+/);
}

export function unauthenticated(challenge: string, body: object): Refusal {
  return new Refusal(401, body, { 'www-authenticate': challenge });
}
