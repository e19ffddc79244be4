import { authenticate } from './accounts';
import type { Account } from './accounts';
import type { Sql } from './database';

/** How the sender of a call is known. */
export interface Authentication {
  /** The header `WWW-Authenticate` of a 401. */
  readonly challenge: string;
  /** @param header the call's `Authorization`. @throws Refusal 401 */
  authenticate(sql: Sql, header: string | undefined): Promise<Account>;
}

/** E23: a token that the server gave for user name and password. */
export function passwordTokens(): Authentication {
  return { challenge: 'Token', authenticate };
}
