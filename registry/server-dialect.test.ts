import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HttpSession } from './http-session';
import { readDialect } from './server-dialect';
import { findSignIn } from './sign-in';

const E23 = ['id', 'name', 'git_mlcube_url', 'mlcube_hash'];
const E25 = [...E23, 'image_hash'];
const TODAY = ['id', 'name', 'container_config', 'parameters_config', 'image_hash'];

let server: Server;
/** Fields of a cube that the server's document names; null where it shows none. */
let fields: readonly string[] | null;
let hasModels: boolean;
/** Whether the document is out of order. */
let broken: boolean;
/** How the cubes are refused to whoever is not signed in. */
let challenge: string;

beforeEach(async () => {
  broken = false;
  challenge = 'Bearer realm="api"';
  server = createServer((request, response) => {
    const path = request.url ?? '';
    if (broken && path.startsWith('/schema/')) response.writeHead(500).end();
    else if (path === '/schema/?format=json' && fields !== null) {
      const properties = Object.fromEntries(fields.map((field) => [field, { type: 'string' }]));
      response.end(JSON.stringify({ openapi: '3.0.3', components: { schemas: { MlCube: { properties } } } }));
    } else if (path === '/api/v0/models/' && hasModels) {
      response.writeHead(401).end('{"detail":"Authentication credentials were not provided."}');
    } else if (path === '/api/v0/mlcubes/') {
      response.writeHead(401, { 'www-authenticate': challenge }).end('{}');
    } else if (path === '/api/v0/auth-token/' && challenge === 'Token') response.writeHead(405).end('{}');
    else response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>Not Found</h1>');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

const address = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

async function dialect(): Promise<unknown> {
  const session = new HttpSession({ server: address() });
  try {
    return await readDialect(session);
  } finally {
    await session.close();
  }
}

it.each([
  ['E23', E23, false],
  ['E25', E25, false],
  ['HEAD', TODAY, true],
  [null, ['id', 'name'], false],
  ['E25', null, false],
  ['HEAD', null, true],
] as const)('a server is %s by the fields of its cubes', async (expected, shown, models) => {
  [fields, hasModels] = [shown, models];
  expect(await dialect()).toBe(expected);
});

it.each([
  ['E23', 'Token'],
  ['E25', 'Bearer realm="api"'],
  [null, 'Basic'],
] as const)('a server whose document is out of order is %s by its challenge %s', async (expected, shown) => {
  [fields, hasModels, broken, challenge] = [null, false, true, shown];
  expect(await dialect()).toBe(expected);
});

it('a server between two generations is named as such', async () => {
  [fields, hasModels] = [TODAY, false];
  await expect(dialect()).rejects.toMatchObject({
    type: 'RegistryRejected',
    facts: { found: 'containers without models' },
  });
});

it('tells whether users sign in at the server itself, by password', async () => {
  [fields, hasModels] = [E25, false];
  expect(await findSignIn({ server: address() })).toEqual({ dialect: 'E25', passwords: false });
  [fields, challenge] = [E23, 'Token'];
  expect(await findSignIn({ server: address() })).toEqual({ dialect: 'E23', passwords: true });
});
