import { generateKeyPairSync } from 'node:crypto';
import { SignJWT } from 'jose';
import type { JWTPayload } from 'jose';
import type { TokenSettings } from '../../devstack/registry';

const AUDIENCE = 'https://conformance.example/';
const ISSUER = 'https://issuer.example/';
const PEOPLE = {
  admin: 'testadmin',
  benchmark_owner: 'testbo',
  model_owner: 'testmo',
  data_owner: 'testdo',
  stranger: 'testao',
};

/** Whose benchmarks are approved as they are made, where the server is told so. */
export const TRUSTED = 'testpo@example.com';

export interface RoleTokens {
  readonly settings: TokenSettings;
  readonly roles: Readonly<Record<string, string>>;
}

/** Tokens of all roles of the cases and of what an issuer should never sign, by a key pair of this run's own. */
export async function makeRoleTokens(): Promise<RoleTokens> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const foreign = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const now = Math.floor(Date.now() / 1000);
  const good = { iss: ISSUER, aud: AUDIENCE, iat: now, exp: now + 3600 };
  const sign = async (claims: JWTPayload, key = privateKey): Promise<string> =>
    `Bearer ${await new SignJWT(claims).setProtectedHeader({ alg: 'RS256', typ: 'JWT' }).sign(key)}`;
  const person = (name: string): JWTPayload => ({
    ...good,
    sub: name,
    'https://medperf.org/email': `${name}@example.com`,
  });
  const { exp: _exp, ...endless } = person('testmo');
  const { sub: _sub, ...nobody } = person('testmo');
  const roles: Record<string, string> = {
    auto_approved: await sign({ ...person('testpo'), 'https://medperf.org/email': TRUSTED }),
    newcomer: await sign(person('newcomer')),
    several_audiences: await sign({ ...person('testmo'), aud: ['https://other.example/', AUDIENCE] }),
    known_without_email: await sign({ ...good, sub: 'testmo' }),
    expired: await sign({ ...person('testmo'), exp: now - 60 }),
    without_expiry: await sign(endless),
    issued_in_future: await sign({ ...person('testmo'), iat: now + 3600 }),
    not_yet_valid: await sign({ ...person('testmo'), nbf: now + 3600 }),
    other_issuer: await sign({ ...person('testmo'), iss: 'https://other.example/' }),
    other_audience: await sign({ ...person('testmo'), aud: 'https://other.example/' }),
    other_key: await sign(person('testmo'), foreign),
    without_subject: await sign(nobody),
    new_without_email: await sign({ ...good, sub: 'nobody-knows' }),
  };
  for (const [role, name] of Object.entries(PEOPLE)) roles[role] = await sign(person(name));
  const verifyingKey = publicKey.export({ type: 'spki', format: 'pem' });
  return { settings: { audience: AUDIENCE, issuer: ISSUER, verifyingKey: verifyingKey.toString() }, roles };
}
