import { createRemoteJWKSet, errors, importSPKI, jwtVerify } from 'jose';
import type { JWTPayload, JWTVerifyGetKey, JWTVerifyResult } from 'jose';
import type { Account } from './accounts';
import type { Authentication } from './authentication';
import type { Sql } from './database';
import { Refusal } from './refusals';

/** Who issues tokens and for whom; as MedPerf's server is configured (reference: medperf.md, 3). */
export type TokenSettings = {
  readonly audience: string;
  readonly issuer: string;
} & (
  | {
      /** PEM of the issuer's RSA public key. */
      readonly verifyingKey: string;
    }
  | {
      /** Where the issuer's public keys are. */
      readonly jwkUrl: string;
    }
);

const ALGORITHM = 'RS256';
/** Only asked for when a user is seen for the first time. */
const EMAIL_CLAIM = 'https://medperf.org/email';
const CHALLENGE = 'Bearer realm="api"';

/**
 * Reads what MedPerf's server reads: `AUTH_AUDIENCE`, `AUTH_ISSUER`, and one of `AUTH_VERIFYING_KEY` (line ends may be written
 * as `\n`) and `AUTH_JWK_URL`. Null when none of them is set.
 * @throws Error for half of it.
 */
export function tokenSettingsFrom(environment: NodeJS.ProcessEnv): TokenSettings | null {
  const read = (name: string): string | undefined => environment[name]?.trim() || undefined;
  const [audience, issuer] = [read('AUTH_AUDIENCE'), read('AUTH_ISSUER')];
  const [verifyingKey, jwkUrl] = [read('AUTH_VERIFYING_KEY'), read('AUTH_JWK_URL')];
  if ([audience, issuer, verifyingKey, jwkUrl].every((value) => value === undefined)) return null;
  if (audience === undefined || issuer === undefined)
    throw new Error('AUTH_AUDIENCE and AUTH_ISSUER are needed beside the key that verifies tokens.');
  if (verifyingKey !== undefined && jwkUrl !== undefined)
    throw new Error('AUTH_VERIFYING_KEY and AUTH_JWK_URL are both set; exactly one of them is needed.');
  if (verifyingKey !== undefined) return { audience, issuer, verifyingKey: verifyingKey.replaceAll('\\n', '\n') };
  if (jwkUrl !== undefined) return { audience, issuer, jwkUrl };
  throw new Error('AUTH_VERIFYING_KEY or AUTH_JWK_URL is needed: nothing else can verify tokens.');
}

/**
 * Sign-in by tokens of an issuer of one's own, from E25 on. A user is made at the first call with a token of his; those whose
 * names are in `administrators` are administrators.
 */
export function jsonWebTokens(
  settings: TokenSettings,
  { administrators }: { readonly administrators: readonly string[] },
): Authentication {
  const verify = verifier(settings);
  return {
    challenge: CHALLENGE,
    authenticate: async (sql, header) => {
      const token = bearerToken(header);
      const payload = await verify(token);
      const username = payload.sub;
      if (typeof username !== 'string' || username === '')
        throw refused('Token contained no recognizable user identification', 'token_not_valid');
      return knownAccount(sql, username, payload, administrators);
    },
  };
}

function verifier(settings: TokenSettings): (token: string) => Promise<JWTPayload> {
  const rules = {
    issuer: settings.issuer,
    audience: settings.audience,
    algorithms: [ALGORITHM],
    requiredClaims: ['exp'],
  };
  const check = keyOf(settings);
  return async (token) => {
    try {
      const { payload } = await check(token, rules);
      if (payload.iat !== undefined && payload.iat > Date.now() / 1000)
        throw new errors.JWTInvalid('issued in the future');
      return payload;
    } catch (error) {
      if (error instanceof errors.JOSEError) throw notValid(error);
      throw error;
    }
  };
}

type Check = (token: string, rules: Parameters<typeof jwtVerify>[2]) => Promise<JWTVerifyResult>;

function keyOf(settings: TokenSettings): Check {
  if ('jwkUrl' in settings) {
    const keys: JWTVerifyGetKey = createRemoteJWKSet(new URL(settings.jwkUrl));
    return (token, rules) => jwtVerify(token, keys, rules);
  }
  const key = importSPKI(settings.verifyingKey, ALGORITHM);
  key.catch(() => undefined);
  return async (token, rules) => jwtVerify(token, await key, rules);
}

/** Another scheme counts as no credentials at all. */
function bearerToken(header: string | undefined): string {
  const words = (header ?? '').trim().split(/\s+/);
  if (words[0] !== 'Bearer')
    throw new Refusal(401, { detail: 'Authentication credentials were not provided.' }, HEADERS);
  const [, token, ...more] = words;
  if (token !== undefined && more.length === 0) return token;
  throw refused('Authorization header must contain two space-delimited values', 'bad_authorization_header');
}

async function knownAccount(
  sql: Sql,
  username: string,
  payload: JWTPayload,
  administrators: readonly string[],
): Promise<Account> {
  const find = async (): Promise<Account | null> => {
    const [user] = await sql.query('select id, superuser, active from users where username = $1', [username]);
    if (user === undefined) return null;
    if (user.active !== true) throw refused('User is inactive', 'user_inactive');
    return { id: Number(user.id), superuser: user.superuser === true };
  };
  const known = await find();
  if (known !== null) return known;
  const email = payload[EMAIL_CLAIM];
  if (typeof email !== 'string' || email === '')
    throw refused('Token must contain the user email address', 'token_not_valid');
  // Two first calls at once make one user.
  await sql.query(
    'insert into users (username, email, superuser) values ($1, $2, $3) on conflict (username) do nothing',
    [username, email, administrators.includes(username)],
  );
  const made = await find();
  if (made === null) throw new Error('a user that was made and is not there');
  return made;
}

const HEADERS = { 'www-authenticate': CHALLENGE };

function refused(detail: string, code: string): Refusal {
  return new Refusal(401, { detail, code }, HEADERS);
}

function notValid(error: Error): Refusal {
  const message = error instanceof errors.JWTExpired ? 'Token is expired' : 'Token is invalid';
  const messages = [{ token_class: 'AccessToken', token_type: 'access', message }];
  const body = { detail: 'Given token not valid for any token type', code: 'token_not_valid', messages };
  return new Refusal(401, body, HEADERS);
}
