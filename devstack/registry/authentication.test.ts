import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PGlite } from '@electric-sql/pglite';
import { SignJWT, exportJWK, importSPKI } from 'jose';
import type { Account } from './resource';
import { passwordTokens } from './authentication';
import type { Sql } from './database';
import { jsonWebTokens } from './json-web-tokens';
import { openLocalIssuer } from './local-issuer';
import type { LocalIssuer } from './local-issuer';
import { tokenSettingsFrom } from './token-settings';

const OWNER = { username: 'testmo', email: 'testmo@example.com' };
const EMAIL = 'https://medperf.org/email';
const NOT_VALID = {
  status: 401,
  body: {
    detail: 'Given token not valid for any token type',
    code: 'token_not_valid',
    messages: [{ token_class: 'AccessToken', token_type: 'access', message: expect.any(String) as string }],
  },
};

let database: PGlite;
let sql: Sql;
let issuer: LocalIssuer;

beforeAll(async () => {
  database = await PGlite.create();
  sql = { query: async (text, values = []) => (await database.query<Record<string, unknown>>(text, [...values])).rows };
  await database.exec(`create table users (id serial primary key, username text unique, email text,
    superuser boolean default false, active boolean default true, password text not null, token text)`);
  issuer = await openLocalIssuer();
});
afterAll(() => database.close());
beforeEach(() => database.exec('truncate users restart identity'));

const authenticate = (header: string | undefined, administrators: string[] = []): Promise<Account> =>
  jsonWebTokens(issuer.settings, { administrators }).authenticate(sql, header);

/** Signed by another key unless `privateKey` is the issuer's. */
async function signed(
  claims: Record<string, unknown>,
  privateKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const all = { iss: issuer.settings.issuer, aud: issuer.settings.audience, iat: now, exp: now + 60, ...claims };
  return new SignJWT(JSON.parse(JSON.stringify(all)) as Record<string, unknown>)
    .setProtectedHeader({ alg: 'RS256' })
    .sign(privateKey);
}

it('makes a user at his first call, and knows him after that by his name alone', async () => {
  const first = await authenticate(`Bearer ${await issuer.tokenFor(OWNER)}`);
  expect(first).toEqual({ id: 1, superuser: false });
  const [again, admin] = await Promise.all([
    authenticate(`Bearer ${await issuer.tokenFor({ ...OWNER, email: 'other@example.com' })}`),
    authenticate(`Bearer ${await issuer.tokenFor({ username: 'testadmin', email: 'a@example.com' })}`, ['testadmin']),
  ]);
  expect(again).toEqual(first);
  expect(admin.superuser).toBe(true);
  expect(await authenticate(`Bearer ${await issuer.tokenFor(OWNER)}`, ['testmo'])).toEqual({
    id: first.id,
    superuser: true,
  });
  const two = [await issuer.tokenFor({ username: 'new', email: 'n@example.com' })];
  const [one, other] = await Promise.all([...two, ...two].map((token) => authenticate(`Bearer ${token}`)));
  expect(one).toEqual(other);
});

it('tells what of a header or a token is wrong as MedPerf does', async () => {
  const token = await issuer.tokenFor(OWNER);
  const none = { status: 401, body: { detail: 'Authentication credentials were not provided.' } };
  for (const header of [undefined, '', 'Token x', `Basic ${token}`])
    await expect(authenticate(header)).rejects.toMatchObject(none);
  for (const header of ['Bearer', 'Bearer a b'])
    await expect(authenticate(header)).rejects.toMatchObject({ body: { code: 'bad_authorization_header' } });
  for (const text of ['x', `${token}x`, await signed({ sub: 'testmo' })])
    await expect(authenticate(`Bearer ${text}`)).rejects.toMatchObject(NOT_VALID);
  const headers = { 'www-authenticate': 'Bearer realm="api"' };
  await expect(authenticate(undefined)).rejects.toMatchObject({ headers });
});

describe('claims', () => {
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const verifyingKey = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const now = Math.floor(Date.now() / 1000);
  const asked = async (claims: Record<string, unknown>): Promise<Account> => {
    const settings = { ...issuer.settings, verifyingKey };
    const token = await signed({ sub: 'testmo', [EMAIL]: OWNER.email, ...claims }, pair.privateKey);
    return jsonWebTokens(settings, { administrators: [] }).authenticate(sql, `Bearer ${token}`);
  };

  it.each([
    ['an end', { exp: undefined }],
    ['an end that has not passed', { exp: now - 1 }],
    ['a beginning that has passed', { nbf: now + 600 }],
    ['an issue that has passed', { iat: now + 600 }],
    ['the user in text', { sub: 5 }],
    ['the issuer', { iss: 'https://elsewhere.example/' }],
    ['the audience', { aud: 'https://elsewhere.example/' }],
    ['the audience among several', { aud: ['https://elsewhere.example/'] }],
  ])('have to say %s', async (_what, claims) => {
    await expect(asked(claims)).rejects.toMatchObject(NOT_VALID);
  });

  it('have to name the user, and once his email', async () => {
    await expect(asked({ sub: undefined })).rejects.toMatchObject({
      body: { detail: 'Token contained no recognizable user identification' },
    });
    await expect(asked({ [EMAIL]: undefined })).rejects.toMatchObject({
      body: { detail: 'Token must contain the user email address' },
    });
    expect(await asked({ aud: [issuer.settings.audience, 'another'] })).toMatchObject({ superuser: false });
    expect(await asked({ [EMAIL]: undefined })).toMatchObject({ superuser: false });
    await database.exec('update users set active = false');
    await expect(asked({})).rejects.toMatchObject({ body: { detail: 'User is inactive' } });
  });
});

it("verifies by the keys that the issuer's address shows", async () => {
  const key = { ...(await exportJWK(await importSPKI(issuer.settings.verifyingKey, 'RS256'))), alg: 'RS256' };
  const server = createServer((_request, response) => response.end(JSON.stringify({ keys: [key] })));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { audience, issuer: name } = issuer.settings;
  const jwkUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`;
  const { authenticate: ask } = jsonWebTokens({ audience, issuer: name, jwkUrl }, { administrators: [] });
  expect(await ask(sql, `Bearer ${await issuer.tokenFor(OWNER)}`)).toEqual({ id: 1, superuser: false });
  await expect(ask(sql, `Bearer ${await signed({ sub: 'x' })}`)).rejects.toMatchObject(NOT_VALID);
  server.closeAllConnections();
  server.close();
});

it('takes the keys that cannot be had for a token that is not valid', async () => {
  const { audience, issuer: name } = issuer.settings;
  const unreachable = jsonWebTokens({ audience, issuer: name, jwkUrl: 'http://127.0.0.1:9/' }, { administrators: [] });
  const header = `Bearer ${await issuer.tokenFor(OWNER)}`;
  await expect(unreachable.authenticate(sql, header)).rejects.toMatchObject(NOT_VALID);
});

it("reads its settings under the names that MedPerf's server has", () => {
  const both = { AUTH_AUDIENCE: 'a', AUTH_ISSUER: 'i' };
  const { verifyingKey } = issuer.settings;
  const onOneLine = verifyingKey.replaceAll('\n', '\\n');
  const jwkUrl = 'https://h.example/jwks.json';
  expect(tokenSettingsFrom({ AUTH_AUDIENCE: '' })).toBeNull();
  expect(tokenSettingsFrom({ ...both, AUTH_VERIFYING_KEY: onOneLine })).toEqual({
    audience: 'a',
    issuer: 'i',
    verifyingKey,
  });
  expect(tokenSettingsFrom({ ...both, AUTH_JWK_URL: jwkUrl })).toEqual({ audience: 'a', issuer: 'i', jwkUrl });
  for (const wrong of [
    both,
    { AUTH_JWK_URL: jwkUrl },
    { ...both, AUTH_JWK_URL: 'file:///x' },
    { ...both, AUTH_VERIFYING_KEY: 'no key' },
    { ...both, AUTH_JWK_URL: jwkUrl, AUTH_VERIFYING_KEY: onOneLine },
  ])
    expect(() => tokenSettingsFrom(wrong)).toThrow('AUTH_');
});

it('E23: takes the tokens that it gave, of users who are still there', async () => {
  const { authenticate: ask, challenge } = passwordTokens();
  await database.exec(`insert into users (username, password, token) values ('ada', '', 'abc')`);
  expect(challenge).toBe('Token');
  expect(await ask(sql, 'token abc')).toMatchObject({ id: 1, superuser: false });
  const refusals = [
    [undefined, 'Authentication credentials were not provided.'],
    ['Bearer abc', 'Authentication credentials were not provided.'],
    ['Token', 'Invalid token header. No credentials provided.'],
    ['Token a b', 'Invalid token header. Token string should not contain spaces.'],
    ['Token abd', 'Invalid token.'],
  ] as const;
  for (const [header, detail] of refusals) {
    const headers = { 'www-authenticate': 'Token' };
    await expect(ask(sql, header)).rejects.toMatchObject({ status: 401, body: { detail }, headers });
  }
  await database.exec('update users set active = false');
  await expect(ask(sql, 'Token abc')).rejects.toMatchObject({ body: { detail: 'User inactive or deleted.' } });
});
