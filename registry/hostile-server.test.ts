import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MedperfRegistry } from './medperf-registry';

type Answering = (request: IncomingMessage, response: ServerResponse) => void;

const USER = { id: 3, username: 'owner', email: 'o@example.com' };
const CUBE = {
  name: 'cube',
  owner: 3,
  git_mlcube_url: 'https://h.example/mlcube.yaml',
  mlcube_hash: 'f'.repeat(64),
  state: 'OPERATION',
  is_valid: true,
  created_at: '2025-04-17T09:30:00Z',
};

let server: Server;
let registry: MedperfRegistry;
let answering: Answering;
let asked: number;

beforeEach(async () => {
  asked = 0;
  server = createServer((request, response) => {
    asked += 1;
    answering(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  registry = registryWith({ milliseconds: 20_000, bytes: 100_000 });
});
afterEach(async () => {
  await registry.close();
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

function registryWith(limits: { milliseconds: number; bytes: number }): MedperfRegistry {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return new MedperfRegistry({
    server: url,
    authorization: () => Promise.resolve('Token a'),
    limits,
    pause: () => Promise.resolve(),
  });
}

function json(response: ServerResponse, body: unknown): void {
  response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
}

describe("what answers in the registry's place", () => {
  it.each<[string, Answering]>([
    ['a page of HTML', (_, response) => response.setHeader('content-type', 'text/html').end('<html>Back soon</html>')],
    ['nothing at all', (_, response) => response.end()],
    ['a refusal in HTML', (_, response) => response.writeHead(403).end('<html>Forbidden</html>')],
    ['a redirect', (_, response) => response.writeHead(302, { location: '/maintenance?ticket=secret' }).end()],
    ['a redirect with JSON', (_, response) => response.writeHead(302, { location: '/maintenance' }).end('{}')],
  ])('is taken for an outage: %s', async (_, answer) => {
    answering = answer;
    await expect(registry.association(4, 1)).rejects.toMatchObject({ type: 'RegistryUnavailable' });
    await expect(registry.association(4, 1)).rejects.not.toThrow(/secret/);
  });

  it.each<[string, unknown]>([
    ['an object', { error: 'odd' }],
    ['null', null],
    ['rows without a status', [{ id: 1 }]],
  ])('is refused when it is JSON of another shape: %s', async (_, body) => {
    answering = (_request, response) => json(response, body);
    await expect(registry.association(4, 1)).rejects.toMatchObject({ type: 'RegistryRejected' });
  });
});

describe('an answer without end', () => {
  it('is given up at its size limit, and not asked for again', async () => {
    answering = (_, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(16_384)));
        response.once('drain', more);
      };
      more();
    };
    await expect(registry.me()).rejects.toMatchObject({
      type: 'RegistryRejected',
      facts: { expected: 'at most 100000 bytes' },
    });
    expect(asked).toBe(1);
  });

  it('is given up at its deadline although it goes on in drips', async () => {
    const drips: NodeJS.Timeout[] = [];
    answering = (_, response) => void drips.push(setInterval(() => response.write(' '), 20));
    const impatient = registryWith({ milliseconds: 200, bytes: 100_000 });
    await expect(impatient.me()).rejects.toMatchObject({
      type: 'RegistryUnavailable',
      facts: { found: 'no whole answer within 0.2 s' },
    });
    drips.forEach((drip) => clearInterval(drip));
    await impatient.close();
  });

  it('is left when the call is cancelled', async () => {
    const cancelled = new AbortController();
    answering = (_, response) => {
      response.write('[');
      response.once('close', () => void (asked = -1));
      setImmediate(() => cancelled.abort(new Error('enough')));
    };
    await expect(registry.me(cancelled.signal)).rejects.toThrow('enough');
    while (asked !== -1) await new Promise(setImmediate);
  });
});

describe('a list without end', () => {
  async function namesOfAll(): Promise<string[]> {
    const names: string[] = [];
    for await (const { name } of registry.cubes()) names.push(name);
    return names;
  }

  it.each<[string, readonly object[]]>([
    ['the same page over and over', [{ ...CUBE, id: 1 }]],
    ['empty pages', []],
  ])('is given up: %s', async (_, results) => {
    answering = (_request, response) => json(response, { next: 'http://h.example/next', results });
    await expect(namesOfAll()).rejects.toMatchObject({ type: 'RegistryUnavailable' });
    expect(asked).toBeLessThan(4);
  });

  it('is given up when each page has something new', async () => {
    answering = (_request, response) =>
      json(response, { next: 'http://h.example/next', results: [{ ...CUBE, id: asked }] });
    await expect(namesOfAll()).rejects.toMatchObject({ type: 'RegistryRejected', facts: { found: 'one more' } });
    expect(asked).toBe(3000);
  });

  it('gives a row that moved to the next page once', async () => {
    const page = (...ids: number[]): object[] => ids.map((id) => ({ ...CUBE, id, name: `cube${id}` }));
    answering = (_request, response) =>
      json(response, asked === 1 ? { next: 'more', results: page(1, 2) } : { next: null, results: page(2, 3) });
    expect(await namesOfAll()).toEqual(['cube1', 'cube2', 'cube3']);
  });
});

it('reads an answer within its limits', async () => {
  answering = (_, response) => json(response, USER);
  expect(await registry.me()).toMatchObject({ uid: 3 });
});
