import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRegistry } from '../devstack/registry';
import type { RunningRegistry } from '../devstack/registry';
import { openProfiles, openRegistry, signInAtIssuer, signOut } from '../registry';
import type { DeviceCode, Profiles, SignInPlace, SignedIn } from '../registry';
import { Browser, OAuthServer } from './oauth-server';

const AUDIENCE = 'https://api.medperf.test/';
const TOKEN_S = 3600;

let directory: string;
let issuer: OAuthServer;
let server: RunningRegistry;
let profiles: Profiles;
/** Milliseconds of the pauses between two questions whether it is confirmed. */
let pauses: number[];

beforeAll(async () => {
  issuer = await OAuthServer.start(AUDIENCE, TOKEN_S);
  const tokens = { audience: AUDIENCE, issuer: issuer.url, jwkUrl: issuer.jwkUrl };
  server = await startRegistry({ dialect: 'E25', database: {}, tokens });
});
afterAll(async () => {
  await server.close();
  await issuer.close();
});
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'device-'));
  profiles = openProfiles(directory);
  pauses = [];
});
afterEach(() => rm(directory, { recursive: true }));

/** Signs in; what the person does in the browser is done before the issuer is asked whether he did it. */
function signIn(
  email: string,
  act: (code: DeviceCode) => Promise<void>,
  place: SignInPlace = issuer.place,
): Promise<SignedIn> {
  let acted = Promise.resolve();
  return signInAtIssuer({ server: server.url }, place, {
    email,
    onCode: (code) => {
      acted = act(code);
    },
    pause: async (milliseconds) => {
      pauses.push(milliseconds);
      await acted;
    },
  });
}

async function signedIn(name: string): Promise<SignedIn> {
  const done = await signIn(`${name}@example.com`, ({ page }) => new Browser(name).confirm(page));
  const { username } = done.user;
  await profiles.save({
    name: 'default',
    server: server.url,
    username,
    credentials: done.credentials,
    signInPlace: issuer.place,
  });
  return done;
}

/** As if the access token's time were over. */
async function expire(): Promise<void> {
  const profile = await profiles.get('default');
  if (profile.credentials.kind !== 'device') throw new Error('not signed in at the issuer');
  await profiles.save({ ...profile, credentials: { ...profile.credentials, expiresAt: Date.now() } });
}

function renewals(): number {
  return issuer.granted.filter((grant) => grant === 'refresh_token').length;
}

it('signs in through the browser, as the user that the server makes of the token', async () => {
  const { user, credentials } = await signedIn('ada');
  expect(user).toMatchObject({ username: 'ada', email: 'ada@example.com' });
  expect(credentials.kind).toBe('device');
  const registry = openRegistry(profiles, await profiles.get('default'));
  expect(await registry.me()).toEqual(user);
  await registry.close();
});

it('renews tokens that end, each time with the newest refresh token', async () => {
  const { credentials } = await signedIn('renewing');
  const before = renewals();
  const seen = new Set<string>();
  for (let time = 0; time < 3; time += 1) {
    await expire();
    seen.add(await profiles.authorization('default')());
    const now = await profiles.get('default');
    expect(now.credentials).not.toEqual(credentials);
    const registry = openRegistry(profiles, now);
    expect(await registry.me()).toMatchObject({ username: 'renewing' });
    await registry.close();
  }
  expect(seen.size).toBe(3);
  expect(renewals() - before).toBe(3);
});

it('renews once for all who ask at the same time', async () => {
  await signedIn('busy');
  await expire();
  const before = renewals();
  const workers = Array.from({ length: 4 }, () => openProfiles(directory).authorization('default'));
  const asked = [...workers, ...workers].map((authorization) => authorization());
  expect(new Set(await Promise.all(asked)).size).toBe(1);
  expect(renewals() - before).toBe(1);
  expect(issuer.refused).not.toContain('invalid_grant');
});

it('asks for a new sign-in when the issuer takes the refresh token no more, and goes on after it', async () => {
  await signedIn('leaving');
  const { credentials } = await profiles.get('default');
  const elsewhere = openProfiles(directory);
  expect(await signOut(elsewhere, 'default')).toBeNull();
  await expect(profiles.authorization('default')()).rejects.toMatchObject({
    type: 'NeedsAttention',
    facts: { what: 'The profile "default" is signed out.' },
  });
  const place = { server: server.url, username: 'leaving', signInPlace: issuer.place };
  await profiles.save({ name: 'default', ...place, credentials });
  await expire();
  const revoked = profiles.authorization('default')();
  await expect(revoked).rejects.toMatchObject({
    type: 'NeedsAttention',
    facts: {
      found: expect.stringContaining('invalid_grant') as string,
      next: 'Sign in again: temporal-medperf login --profile default',
    },
  });
  if (credentials.kind === 'device') await expect(revoked).rejects.not.toThrow(credentials.refreshToken);
  await signedIn('leaving');
  expect(await profiles.authorization('default')()).toMatch(/^Bearer /);
});

it('asks for a new sign-in after thirty days, whatever the issuer allows', async () => {
  await signedIn('faithful');
  const profile = await profiles.get('default');
  if (profile.credentials.kind !== 'device') throw new Error('not signed in at the issuer');
  const signedInAt = Date.now() - 2_592_001_000;
  await profiles.save({ ...profile, credentials: { ...profile.credentials, signedInAt } });
  await expect(profiles.authorization('default')()).rejects.toMatchObject({
    type: 'NeedsAttention',
    facts: { found: 'a sign-in of more than thirty days ago' },
  });
});

it('keeps no sign-in of somebody else than who asked', async () => {
  await expect(signIn('eve@example.com', ({ page }) => new Browser('ada').confirm(page))).rejects.toMatchObject({
    type: 'NeedsAttention',
    facts: { what: 'Another user signed in.', expected: 'eve@example.com', found: 'ada@example.com' },
  });
  expect((await signIn(' ADA@example.com', ({ page }) => new Browser('ada').confirm(page))).user.username).toBe('ada');
});

it('says that the sign-in was denied', async () => {
  await expect(signIn('ada@example.com', ({ page }) => new Browser('ada').deny(page))).rejects.toMatchObject({
    type: 'NeedsAttention',
    facts: { what: 'The sign-in was denied in the browser.' },
  });
});

it('asks less often when the issuer says so, and goes on when it is down for a while', async () => {
  const answers = [
    { status: 400, body: { error: 'authorization_pending' } },
    { status: 403, body: { error: 'slow_down' } },
    { status: 503, body: {} },
    { status: 429, body: {} },
  ];
  const before = createServer((request, response) => {
    void (async () => {
      const first = request.url === '/oauth/token' ? answers.shift() : undefined;
      if (first !== undefined) return response.writeHead(first.status).end(JSON.stringify(first.body));
      const headers = { 'content-type': request.headers['content-type'] ?? '' };
      const body = Buffer.concat(await request.toArray());
      const answer = await fetch(`${issuer.url}${request.url ?? ''}`, { method: 'POST', headers, body });
      return response.writeHead(answer.status).end(await answer.text());
    })();
  });
  before.listen(0, '127.0.0.1');
  await once(before, 'listening');
  const domain = `http://127.0.0.1:${(before.address() as AddressInfo).port}`;
  try {
    const place = { ...issuer.place, domain, jwksUrl: issuer.jwkUrl };
    const { user } = await signIn('slow@example.com', ({ page }) => new Browser('slow').confirm(page), place);
    expect(user.username).toBe('slow');
    const [usual = 0] = pauses;
    expect(pauses).toEqual([0, 0, 5000, 10_000, 15_000].map((more) => usual + more));
  } finally {
    before.closeAllConnections();
    before.close();
  }
});

it('says when the issuer is not there, and when it does not know the client', async () => {
  const nobody = { ...issuer.place, domain: 'http://127.0.0.1:9' };
  await expect(signIn('a@example.com', () => Promise.resolve(), nobody)).rejects.toMatchObject({
    type: 'RegistryUnavailable',
  });
  const stranger = { ...issuer.place, clientId: 'stranger' };
  await expect(signIn('a@example.com', () => Promise.resolve(), stranger)).rejects.toMatchObject({
    type: 'NeedsAttention',
    facts: { found: expect.stringContaining('invalid_client') as string },
  });
});
