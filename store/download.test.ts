import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent } from 'undici';
import { MedperfError } from '../contract';
import { download } from './download';
import type { DownloadOptions } from './download';
import { FileStore } from './file-store';

const CONTENT = randomBytes(300_000);
const HASH = createHash('sha256').update(CONTENT).digest('hex');
const OPTIONS = { maxBytes: 1_000_000 };

let scratch: string;
let store: FileStore;
let dispatcher: Agent;
const servers: Server[] = [];

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'download-'));
  store = new FileStore(join(scratch, 'store'));
  dispatcher = new Agent();
});
afterEach(async () => {
  await dispatcher.destroy();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  await rm(scratch, { recursive: true });
});

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

/** A file host whose n-th request gets the n-th answer, and every later one the last. */
async function host(...answers: readonly Answer[]) {
  const seen: IncomingMessage[] = [];
  const listener: RequestListener = (request, response) => {
    seen.push(request);
    answers[Math.min(seen.length, answers.length) - 1]?.(response, request);
  };
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

const file: Answer = (response) => response.end(CONTENT);
const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(code, headers).end('text');

const get = (url: string, options: Partial<DownloadOptions> = {}) =>
  download(store, url, { ...OPTIONS, dispatcher, ...options });

async function failureOf(attempt: Promise<unknown>): Promise<MedperfError> {
  const error: unknown = await attempt.then(
    () => 'no failure',
    (reason: unknown) => reason,
  );
  if (error instanceof MedperfError) return error;
  throw error;
}

describe('download', () => {
  it('puts the file into the store and tells how far it is', async () => {
    const { url, seen } = await host((response) =>
      response.writeHead(200, { 'content-length': CONTENT.length }).end(CONTENT),
    );
    const progress: (number | null)[] = [];
    const blob = await get(`direct:${url}/a.bin`, {
      expectedHash: HASH.toUpperCase(),
      onProgress: (received, total) => progress.push(received, total),
    });
    expect(blob).toEqual({ digest: `sha256:${HASH}`, size: CONTENT.length });
    expect(progress.slice(-2)).toEqual([CONTENT.length, CONTENT.length]);
    expect(seen[0]?.headers['accept-encoding']).toBe('identity');
  });

  it('refuses another file than the expected one, once', async () => {
    const { url, seen } = await host(file);
    const failure = await failureOf(get(`${url}/a`, { expectedHash: 'ab'.repeat(32) }));
    expect(failure).toMatchObject({ type: 'HashMismatch', facts: { expected: 'ab'.repeat(32), found: HASH } });
    expect(seen).toHaveLength(1);
  });

  it('tries again while the host fails or breaks off', async () => {
    const { url, seen } = await host(
      status(503),
      (response) => {
        response.writeHead(200, { 'content-length': CONTENT.length });
        response.write(CONTENT.subarray(0, 1000), () => response.destroy());
      },
      file,
    );
    await expect(get(`${url}/a`)).resolves.toMatchObject({ digest: `sha256:${HASH}` });
    expect(seen).toHaveLength(3);
  });

  it.each([500, 503, 429])('gives status %d up after three attempts as a failure of the place', async (code) => {
    const { url, seen } = await host(status(code));
    const failure = await failureOf(get(`${url}/a`));
    expect(failure).toMatchObject({ type: 'StoreUnavailable', facts: { found: `status ${code}` } });
    expect(seen).toHaveLength(3);
  });

  it('calls a host that nobody listens on unavailable', async () => {
    const { url } = await host(file);
    await new Promise((resolve) => servers.pop()!.close(resolve));
    expect(await failureOf(get(`${url}/a`))).toMatchObject({
      type: 'StoreUnavailable',
      facts: { found: 'ECONNREFUSED' },
    });
  });

  it.each([404, 403, 401, 204, 206])('does not retry status %d and names it with the URL', async (code) => {
    const { url, seen } = await host(status(code));
    const failure = await failureOf(get(`${url}/folder/a.tar.gz`));
    expect(failure).toMatchObject({ type: 'InvalidRequest', facts: { found: `status ${code}` } });
    expect(failure.message).toContain(`${url}/folder/a.tar.gz`);
    expect(seen).toHaveLength(1);
  });

  it('refuses a web page', async () => {
    const { url } = await host((response) =>
      response.setHeader('content-type', 'text/html; charset=utf-8').end('<html>'),
    );
    expect(await failureOf(get(`${url}/a`))).toMatchObject({
      type: 'InvalidRequest',
      facts: { found: 'a web page (text/html)' },
    });
  });

  it('refuses a file that is too large, announced or not, and keeps nothing', async () => {
    const announced = await host((response) => response.writeHead(200, { 'content-length': 5_000_000 }).write('x'));
    const endless = await host((response) => {
      const more = () => {
        while (response.write(Buffer.alloc(400_000)));
      };
      response.on('drain', more);
      more();
    });
    for (const { url } of [announced, endless])
      expect(await failureOf(get(`${url}/a`, { maxBytes: 2_500_000 }))).toMatchObject({
        type: 'InvalidRequest',
        facts: { expected: 'at most 2500000 bytes' },
      });
    expect(await readdir(scratch)).toEqual(expect.not.arrayContaining(['store/blobs']));
    expect(await readdir(join(scratch, 'store', 'incoming'))).toEqual([]);
  });

  it('follows redirects, five at most', async () => {
    const hop = status(302, { location: '/next' });
    const five = await host(hop, hop, hop, hop, hop, file);
    await expect(get(`${five.url}/a`)).resolves.toMatchObject({ digest: `sha256:${HASH}` });
    const six = await host(hop);
    expect(await failureOf(get(`${six.url}/a`))).toMatchObject({
      type: 'InvalidRequest',
      facts: { found: 'more than 5 redirects' },
    });
    expect(six.seen).toHaveLength(6);
  });

  it('refuses redirects to nowhere and to what is not HTTP', async () => {
    for (const location of ['file:///etc/passwd', 'http://', ''])
      expect(await failureOf(get(`${(await host(status(302, { location }))).url}/a`))).toMatchObject({
        type: 'InvalidRequest',
      });
  });

  it.each([
    'synapse:syn123',
    'ftp://h.example/a',
    '/etc/passwd',
    'file:///etc/passwd',
    'nonsense',
    '',
    'http://u%zz:p@localhost/a',
  ])('refuses the address %j', async (address) => {
    expect(await failureOf(get(address))).toMatchObject({ type: 'InvalidRequest' });
  });

  it('sends credentials of the URL to its host only, and shows neither them nor the query', async () => {
    const other = await host(status(404));
    const first = await host(status(302, { location: `${other.url}/signed?sig=SECRET2` }));
    const address = `${first.url.replace('//', '//user:SECRET1@')}/a?token=SECRET3#SECRET4`;
    const failure = await failureOf(get(address));
    expect(failure.message).not.toContain('SECRET');
    expect(failure.message).not.toContain('user');
    expect(first.seen[0]?.headers.authorization).toBe(`Basic ${Buffer.from('user:SECRET1').toString('base64')}`);
    expect(first.seen[0]?.url).toBe('/a?token=SECRET3');
    expect(other.seen[0]?.headers.authorization).toBeUndefined();
    const mismatch = await failureOf(
      get(address.replace(first.url.slice(7), (await host(file)).url.slice(7)), { expectedHash: 'ab' }),
    );
    expect(mismatch).toMatchObject({ type: 'HashMismatch' });
    expect(mismatch.message).not.toContain('SECRET');
  });

  it('stops when it is aborted, before an answer and in the middle of one', async () => {
    for (const begin of [() => undefined, (response: ServerResponse) => response.write(CONTENT)] as const) {
      const abort = new AbortController();
      const { url } = await host((response) => {
        begin(response);
        setImmediate(() => abort.abort(new Error('stop')));
      });
      await expect(get(`${url}/a`, { signal: abort.signal })).rejects.toThrow('stop');
    }
  });
});
