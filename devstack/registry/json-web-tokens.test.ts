import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PGlite } from '@electric-sql/pglite';
import { SignJWT, exportJWK, importPKCS8, importSPKI } from 'jose';
import type { Sql } from './database';
import { jsonWebTokens, tokenSettingsFrom } from './json-web-tokens';
import { openLocalIssuer } from './local-issuer';
import type { LocalIssuer } from './local-issuer';

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
    superuser boolean default false, active boolean default true)`);
  issuer = await openLocalIssuer();
});
afterAll(() => database.close());
beforeEach(() => database.exec('truncate users restart identity'));

const authenticate = (header: string | undefined, administrators: string[] = []) =>
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
  const pair = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const now = Math.floor(Date.now() / 1000);
  const asked = async (claims: Record<string, unknown>) => {
    const key = await importPKCS8(pair.privateKey, 'RS256');
    const settings = { ...issuer.settings, verifyingKey: pair.publicKey };
    const token = await signed({ sub: 'testmo', [EMAIL]: OWNER.email, ...claims }, key as never);
    return jsonWebTokens(settings, { administrators: [] }).authenticate(sql, `Bearer ${token}`);
  };

  it.each([
    ['an end', { exp: undefined }],
    ['an end that has not passed', { exp: now - 1 }],
    ['a beginning that has passed', { nbf: now + 600 }],
    ['an issue that has passed', { iat: now + 600 }],
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

it("reads its settings under the names that MedPerf's server has", () => {
  const both = { AUTH_AUDIENCE: 'a', AUTH_ISSUER: 'i' };
  expect(tokenSettingsFrom({})).toBeNull();
  expect(tokenSettingsFrom({ ...both, AUTH_VERIFYING_KEY: 'one\\ntwo' })).toMatchObject({ verifyingKey: 'one\ntwo' });
  expect(tokenSettingsFrom({ ...both, AUTH_JWK_URL: 'https://x' })).toMatchObject({ jwkUrl: 'https://x' });
  for (const half of [both, { AUTH_JWK_URL: 'x' }, { ...both, AUTH_JWK_URL: 'x', AUTH_VERIFYING_KEY: 'y' }])
    expect(() => tokenSettingsFrom(half)).toThrow('AUTH_');
});
