import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Downloads } from './downloads';
import { FileStore } from './file-store';

const OPTIONS = { maxBytes: 1000 };

let scratch: string;
let store: FileStore;
const servers: Server[] = [];
const opened: Downloads[] = [];
const environment = { ...process.env };

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'downloads-'));
  store = new FileStore(join(scratch, 'store'));
  for (const name of ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY', 'no_proxy', 'NO_PROXY'])
    Reflect.deleteProperty(process.env, name);
});
afterEach(async () => {
  process.env = { ...environment };
  for (const downloads of opened.splice(0)) await downloads.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  await rm(scratch, { recursive: true });
});

async function serve(listener: RequestListener): Promise<{ server: Server; port: number }> {
  const server = createServer(listener);
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

async function host(answer: RequestListener = (_, response) => response.end('file')) {
  const seen: IncomingMessage[] = [];
  const { port } = await serve((request, response) => {
    seen.push(request);
    answer(request, response);
  });
  return { port, seen };
}

function open(...privateHosts: string[]): Downloads {
  const downloads = new Downloads(privateHosts);
  opened.push(downloads);
  return downloads;
}

const REFUSED = { type: 'InvalidRequest', facts: { found: 'a host on a private network' } };

describe('a download from a private network', () => {
  it.each(['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1'])(
    'is refused, once and before anything is sent: %s',
    async (name) => {
      const { port, seen } = await host();
      await expect(open().fetch(store, `http://${name}:${port}/a`, OPTIONS)).rejects.toMatchObject(REFUSED);
      await expect(open().fetch(store, `direct:http://${name}:${port}/a`, OPTIONS)).rejects.toMatchObject(REFUSED);
      expect(seen).toEqual([]);
    },
  );

  it.each(['10.255.255.1', '169.254.169.254', '[fd00::1]', '[fe80::1]', '0.0.0.0'])('is refused: %s', async (name) => {
    await expect(open().fetch(store, `http://${name}/a`, OPTIONS)).rejects.toMatchObject(REFUSED);
    await expect(open().fetch(store, `https://${name}/a`, OPTIONS)).rejects.toMatchObject(REFUSED);
  });

  it('is done where the operator names the host, its port or its network', async () => {
    const { port, seen } = await host();
    for (const [allowed, name] of [
      ['127.0.0.1', '127.0.0.1'],
      [`127.0.0.1:${port}`, '127.0.0.1'],
      ['127.0.0.0/8', '127.0.0.1'],
      ['localhost', 'localhost'],
      ['127.0.0.0/8', 'localhost'],
    ] as const)
      await expect(open(allowed).fetch(store, `http://${name}:${port}/a`, OPTIONS)).resolves.toMatchObject({ size: 4 });
    expect(seen).toHaveLength(5);
    for (const other of [`127.0.0.1:${port + 1}`, '127.0.0.2', '10.0.0.0/8', 'localhost'])
      await expect(open(other).fetch(store, `http://127.0.0.1:${port}/a`, OPTIONS)).rejects.toMatchObject(REFUSED);
  });

  it('is refused when a redirect leads there', async () => {
    const inner = await host();
    const { port } = await host((_, response) =>
      response.writeHead(302, { location: `http://127.0.0.1:${inner.port}/secret` }).end(),
    );
    const attempt = open(`127.0.0.1:${port}`).fetch(store, `http://127.0.0.1:${port}/a`, OPTIONS);
    await expect(attempt).rejects.toMatchObject(REFUSED);
    expect(inner.seen).toEqual([]);
  });
});

describe('proxies', () => {
  /** Forwards plain requests and opens tunnels to one address, whatever name is asked for. */
  async function proxy(target: number) {
    const asked: string[] = [];
    const { server, port } = await serve((request, response) => {
      asked.push(`${request.method ?? ''} ${request.url ?? ''}`);
      response.end('forwarded');
    });
    server.on('connect', (request: IncomingMessage, client, head: Buffer) => {
      asked.push(`CONNECT ${request.url ?? ''}`);
      const upstream = connect(target, '127.0.0.1', () => {
        client.write('HTTP/1.1 200 Connection established\r\n\r\n');
        upstream.write(head);
        upstream.pipe(client).pipe(upstream);
      });
      upstream.on('error', () => client.destroy());
      client.on('error', () => upstream.destroy());
    });
    return { url: `http://127.0.0.1:${port}`, asked };
  }

  it('are asked for what HTTP_PROXY and HTTPS_PROXY say, and look names up themselves', async () => {
    const tunnelled = new Promise<Buffer>((resolve) => {
      const tcp = createServer().on('connection', (socket) => socket.once('data', resolve));
      servers.push(tcp);
      tcp.listen(0, '127.0.0.1');
    });
    const tcp = servers.at(-1)!;
    await once(tcp, 'listening');
    const { url, asked } = await proxy((tcp.address() as AddressInfo).port);
    process.env['HTTP_PROXY'] = url;
    process.env['HTTPS_PROXY'] = url;
    const downloads = open();
    await expect(downloads.fetch(store, 'http://files.invalid/a?b', OPTIONS)).resolves.toMatchObject({ size: 9 });
    const stop = new AbortController();
    const encrypted = downloads.fetch(store, 'https://files.invalid/a', { ...OPTIONS, signal: stop.signal });
    const ended = expect(encrypted).rejects.toThrow('seen');
    // The first record of TLS: what goes through is not for the proxy.
    expect((await tunnelled)[0]).toBe(0x16);
    stop.abort(new Error('seen'));
    await ended;
    expect(asked).toEqual(['GET http://files.invalid/a?b', 'CONNECT files.invalid:443']);
  });

  it('are not asked for what NO_PROXY names, nor for this machine; addresses are judged there', async () => {
    const { port, seen } = await host();
    const { url, asked } = await proxy(port);
    process.env['HTTP_PROXY'] = url;
    process.env['NO_PROXY'] = '10.255.255.1';
    await expect(open().fetch(store, 'http://10.255.255.1/a', OPTIONS)).rejects.toMatchObject(REFUSED);
    await expect(open().fetch(store, `http://localhost:${port}/a`, OPTIONS)).rejects.toMatchObject(REFUSED);
    await expect(open('127.0.0.1').fetch(store, `http://127.0.0.1:${port}/a`, OPTIONS)).resolves.toMatchObject({
      size: 4,
    });
    expect(asked).toEqual([]);
    expect(seen).toHaveLength(1);
  });
});

describe('many downloads', () => {
  it('run eight at once; who gives up waiting makes room for the next', async () => {
    const held: ServerResponse[] = [];
    let arrived = (): void => undefined;
    const { port } = await host((_, response) => {
      held.push(response);
      arrived();
    });
    const atHost = async (count: number): Promise<void> => {
      while (held.length < count) await new Promise<void>((resolve) => (arrived = resolve));
    };
    const downloads = open('127.0.0.1');
    const stop = new AbortController();
    const fetch = (name: number, signal?: AbortSignal) =>
      downloads.fetch(store, `http://127.0.0.1:${port}/${name}`, { ...OPTIONS, signal });
    const first = Array.from({ length: 8 }, (_, name) => fetch(name));
    const done = Promise.all(first);
    await atHost(8);
    const given = expect(fetch(8, stop.signal)).rejects.toThrow('no longer');
    const last = fetch(9);
    stop.abort(new Error('no longer'));
    await given;
    expect(held).toHaveLength(8);
    held[0]!.end('x');
    await atHost(9);
    for (const response of held) if (!response.writableEnded) response.end('y');
    await expect(last).resolves.toMatchObject({ size: 1 });
    await expect(done).resolves.toHaveLength(8);
  });
});
