import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { download } from './download';
import { FileStore } from './file-store';

const CONTENT = randomBytes(40 * 1024 * 1024);
const DIGEST = `sha256:${createHash('sha256').update(CONTENT).digest('hex')}`;
const OPTIONS = { maxBytes: 100 * 1024 * 1024 };
const MIB = 1024 * 1024;

let scratch: string;
let store: FileStore;
let server: Server;
/** Ranges asked for, `''` for the whole. */
let asked: string[];
/** How the host answers each request; the last one goes on. */
let answers: ((response: ServerResponse, request: IncomingMessage) => void)[];

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'resume-'));
  store = new FileStore(join(scratch, 'store'));
  asked = [];
  server = createServer((request, response) => {
    asked.push(request.headers.range ?? '');
    answers[Math.min(asked.length, answers.length) - 1]?.(response, request);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await rm(scratch, { recursive: true });
});

const url = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`;
const incoming = async (): Promise<string[]> => readdir(join(scratch, 'store', 'incoming'));

/** Serves the content as a good host does, up to `end`, and then breaks off. */
const serve =
  (etag: string | null, end = CONTENT.length, content = CONTENT) =>
  (response: ServerResponse, { headers }: IncomingMessage): void => {
    const sameVersion = headers['if-range'] === etag;
    const from = sameVersion ? Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0) : 0;
    const range = from === 0 ? {} : { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` };
    const version = etag === null ? {} : { etag };
    response.writeHead(from === 0 ? 200 : 206, { 'content-length': content.length - from, ...range, ...version });
    if (end >= content.length) response.end(content.subarray(from));
    else response.write(content.subarray(from, end), () => setImmediate(() => response.destroy()));
  };

describe('an interrupted download', () => {
  it('goes on where it stopped, as often as each attempt brings something', async () => {
    answers = [8, 14, 20, 26, 33].map((mebibytes) => serve('"1"', mebibytes * MIB));
    answers.push(serve('"1"'));
    const told: number[] = [];
    const blob = await download(store, url(), { ...OPTIONS, onProgress: (received) => told.push(received) });
    expect(blob.digest).toBe(DIGEST);
    expect(asked).toHaveLength(6);
    const begins = asked.map((range) => Number(/\d+/.exec(range)?.[0] ?? 0));
    expect(begins).toEqual([...begins].sort((a, b) => a - b));
    expect(begins[5]).toBeGreaterThan(26 * MIB);
    expect(told).toEqual([...told].sort((a, b) => a - b));
    expect(await incoming()).toEqual([]);
  });

  it('begins anew when the host has another version, or does not tell versions apart', async () => {
    answers = [serve('"1"', 8 * MIB), serve('"2"')];
    expect((await download(store, url(), OPTIONS)).digest).toBe(DIGEST);
    expect(asked[1]).toMatch(/^bytes=\d+-$/);
    asked = [];
    answers = [serve(null, 8 * MIB), serve(null)];
    expect((await download(store, url(), OPTIONS)).digest).toBe(DIGEST);
    expect(asked).toEqual(['', '']);
  });

  it('begins anew when the host says that there is no such range', async () => {
    const noRange = (response: ServerResponse): void => void response.writeHead(416).end();
    answers = [serve('"1"', 8 * MIB), noRange, serve('"1"')];
    expect((await download(store, url(), OPTIONS)).digest).toBe(DIGEST);
    expect(asked[1]).not.toBe('');
    expect(asked[2]).toBe('');
  });

  it('is gone on with after it was stopped or given up, and by one of two only', async () => {
    const stop = new AbortController();
    answers = [serve('"1"', 30 * MIB), serve('"1"')];
    const stopped = download(store, url(), {
      ...OPTIONS,
      signal: stop.signal,
      onProgress: (received) => {
        if (received > 10 * MIB) stop.abort(new Error('enough'));
      },
    });
    await expect(stopped).rejects.toThrow('enough');
    asked = [''];
    const [one, two] = await Promise.all([download(store, url(), OPTIONS), download(store, url(), OPTIONS)]);
    expect([one.digest, two.digest]).toEqual([DIGEST, DIGEST]);
    expect(asked.filter((range) => range !== '')).toHaveLength(1);
    expect(await incoming()).toEqual([]);
  });

  it('is gone on with after its process was killed, behind what was flushed', async () => {
    const end = 36 * MIB;
    const held = new Promise<void>((resolve) => {
      answers = [
        (response) => {
          response.writeHead(200, { 'content-length': CONTENT.length, etag: '"1"' });
          // The rest never comes.
          response.write(CONTENT.subarray(0, end), () => resolve());
        },
        serve('"1"'),
      ];
    });
    const lib = join(__dirname, '..', 'lib', 'store');
    const script = `const { download } = require(${JSON.stringify(join(lib, 'download.js'))});
      const { FileStore } = require(${JSON.stringify(join(lib, 'file-store.js'))});
      download(new FileStore(${JSON.stringify(join(scratch, 'store'))}), ${JSON.stringify(url())}, { maxBytes: 1e9 });`;
    const child = spawn(process.execPath, ['-e', script], { stdio: 'ignore' });
    await held;
    while (!(await incoming().catch(() => [])).some((name) => name.endsWith('.json')))
      await new Promise((resolve) => setImmediate(resolve));
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect((await download(store, url(), OPTIONS)).digest).toBe(DIGEST);
    expect(Number(/\d+/.exec(asked[1] ?? '')?.[0])).toBeGreaterThanOrEqual(32 * MIB);
    expect(await incoming()).toEqual([]);
  });

  it('leaves nothing when the file is not the promised one', async () => {
    answers = [serve('"1"', 8 * MIB), serve('"1"')];
    const wrong = download(store, url(), { ...OPTIONS, expectedHash: '0'.repeat(64) });
    await expect(wrong).rejects.toMatchObject({ type: 'HashMismatch' });
    expect(await incoming()).toEqual([]);
  });
});
