import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireAuthority } from './authority';
import { signInByPassword } from './sign-in';

const ADA = { username: 'ada', password: 'secret' };

let folder: string;
let server: Server;
let ca: string;

const inFolder = (name: string): string => join(folder, name);
const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });

/** An authority of a site's own, and a server for 127.0.0.1 that it certified. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authority-'));
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-days',
    '2',
    '-subj',
    '/CN=A site of its own',
  );
  openssl('req', ...key, '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=registry');
  await writeFile(inFolder('names'), 'subjectAltName=IP:127.0.0.1\n');
  const issue = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'names'];
  openssl('x509', '-req', '-in', 'server.csr', '-out', 'server.pem', ...issue);
  ca = await readFile(inFolder('ca.pem'), 'utf8');
  const [own, cert] = await Promise.all([readFile(inFolder('server.key')), readFile(inFolder('server.pem'))]);
  server = createServer({ key: own, cert }, (request, response) => {
    if (request.url === '/api/v0/auth-token/') response.end('{"token":"abc"}');
    else if (request.url === '/api/v0/me/') response.end('{"id":3,"username":"ada","email":"ada@example.org"}');
    else response.writeHead(404).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true });
});

const address = (): string => `https://127.0.0.1:${(server.address() as AddressInfo).port}`;

it('a server that an authority of the site certified is trusted with that authority alone', async () => {
  const signIn = (authority?: string): Promise<unknown> =>
    signInByPassword({ server: address(), ...(authority !== undefined && { ca: authority }) }, ADA);
  expect(await signIn(requireAuthority(ca))).toMatchObject({ credentials: { token: 'abc' } });
  const untrusted = {
    type: 'RegistryUnavailable',
    facts: { next: expect.stringContaining('login --ca FILE') as string },
  };
  await expect(signIn()).rejects.toMatchObject(untrusted);
  openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'k', '-out', 'other.pem', '-subj', '/CN=Another');
  const other = requireAuthority(await readFile(inFolder('other.pem'), 'utf8'));
  await expect(signIn(other)).rejects.toMatchObject(untrusted);
});

it('an authority is its certificates and nothing else of the file', async () => {
  const key = await readFile(inFolder('ca.key'), 'utf8');
  expect(requireAuthority(`some words\n${key}${ca}${ca}`)).toBe(`${ca.trim()}\n${ca.trim()}\n`);
  const damaged = ca.replace(/\n[A-Za-z0-9+/]{20}/, '\nAAAAAAAAAAAAAAAAAAAA');
  for (const [text, found] of [
    [key, 'no certificate'],
    ['', 'no certificate'],
    [damaged, 'a damaged certificate'],
  ] as const)
    expect(() => requireAuthority(text)).toThrow(found);
});
