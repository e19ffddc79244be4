import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Profiles } from '../registry';
import { Registries } from './registries';

let server: Server;
let registries: Registries;
let token: string;
/** Of the server's address. */
let path: string;
/** Requests that were not answered yet, with the token that they came with. */
let waiting: { readonly authorization: string; readonly response: ServerResponse }[];

beforeEach(async () => {
  waiting = [];
  token = 'first';
  path = '';
  server = createServer(({ headers: { authorization = '' } }, response) => {
    waiting.push({ authorization, response });
    server.emit('asked');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const get: Profiles['get'] = (name) =>
    Promise.resolve({ name, server: `${url}${path}`, username: name, credentials: { kind: 'password', token } });
  const authorization: Profiles['authorization'] = () => () => Promise.resolve(`Token ${token}`);
  registries = new Registries({ get, authorization } as Profiles);
});
afterEach(async () => {
  await registries.close();
  server.close();
  await once(server, 'close');
});

async function request(): Promise<(typeof waiting)[number]> {
  while (waiting.length === 0) await once(server, 'asked');
  return waiting.shift()!;
}

function answer({ response }: (typeof waiting)[number]): void {
  response.end(JSON.stringify({ id: 3, username: 'owner', email: '' }));
}

it('keeps the session of an unchanged sign-in, one a profile', async () => {
  expect(await registries.open('a')).toBe(await registries.open('a'));
  expect(await registries.open('b')).not.toBe(await registries.open('a'));
});

it('keeps results under the user as whom the worker is signed in, whatever the profile is called', async () => {
  expect(await registries.scopeOf('a')).toMatch(/^a at http:/);
});

it('asks with the credentials as they are at each request', async () => {
  const session = await registries.open('a');
  for (const now of ['first', 'second']) {
    token = now;
    const me = session.me();
    const asked = await request();
    expect(asked.authorization).toBe(`Token ${now}`);
    answer(asked);
    await me;
  }
  expect(await registries.open('a')).toBe(session);
});

it('ends the session with another server after the requests under way', async () => {
  const first = await registries.open('a');
  const underWay = first.me();
  const asked = await request();
  path = '/elsewhere';
  const second = await registries.open('a');
  answer(asked);
  expect(await underWay).toMatchObject({ uid: 3 });
  const fresh = second.me();
  const next = await request();
  answer(next);
  await fresh;
  await expect(first.me()).rejects.toMatchObject({ type: 'RegistryUnavailable' });
});
