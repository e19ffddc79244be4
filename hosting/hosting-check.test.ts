import { once } from 'node:events';
import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createHash } from 'node:crypto';
import { requestFile } from '../store/file-request';
import { checkHosting } from './hosting-check';

const CONTENT = Buffer.from('name: a cube\n');
const SHA256 = createHash('sha256').update(CONTENT).digest('hex');

let server: Server;
let answer: RequestListener;
let asked: string[];

beforeEach(async () => {
  asked = [];
  server = createServer((request, response) => {
    asked.push(`${request.method} ${request.headers.range ?? 'all'}`);
    answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

const url = (path = '/mlcube.yaml'): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
const check = (options = {}) => checkHosting(requestFile, url(), options);
/** Without the warning that goes with a server of this machine. */
const codesOf = ({ findings }: Awaited<ReturnType<typeof check>>): string[] =>
  findings.filter(({ code }) => code !== 'private-host').map(({ severity, code }) => `${severity} ${code}`);

const withRanges: RequestListener = (request, response) => {
  const [, from = ''] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? [];
  const headers = { etag: '"1"', 'content-type': 'application/yaml' };
  if (from === '') {
    response.writeHead(200, headers).end(CONTENT);
    return;
  }
  const range = `bytes ${from}-${CONTENT.length - 1}/${CONTENT.length}`;
  response.writeHead(206, { ...headers, 'content-range': range }).end(CONTENT.subarray(Number(from)));
};

describe('the hosting check', () => {
  it('tells type, length, hash and whether a download can be resumed, with one whole GET', async () => {
    answer = withRanges;
    const checked = await check({ sha256: SHA256.toUpperCase() });
    expect(checked.file).toEqual({
      contentType: 'application/yaml',
      size: CONTENT.length,
      digest: `sha256:${SHA256}`,
      resumable: true,
    });
    expect(codesOf(checked)).toEqual([]);
    expect(asked).toEqual(['GET all', `GET bytes=${CONTENT.length - 1}-`]);
  });

  it('warns of a host that ignores ranges, and of one that tells no versions apart', async () => {
    answer = (_, response) => response.writeHead(200, { etag: '"1"' }).end(CONTENT);
    expect(codesOf(await check())).toEqual(['warning not-resumable']);
    answer = (_, response) => response.writeHead(200, { 'accept-ranges': 'bytes' }).end(CONTENT);
    expect(codesOf(await check())).toEqual(['warning not-resumable']);
  });

  it('takes an empty file as it is', async () => {
    answer = (_, response) => response.writeHead(200, { etag: '"1"', 'content-length': 0 }).end();
    const checked = await check();
    expect(checked.file?.size).toBe(0);
    expect(codesOf(checked)).toEqual([]);
  });

  it('refuses a page, another file and what is not there', async () => {
    answer = (_, response) => response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<html>');
    expect(codesOf(await check())).toEqual(['error page', 'warning not-resumable']);
    answer = withRanges;
    const other = await check({ sha256: '0'.repeat(64) });
    expect(codesOf(other)).toEqual(['error other-file']);
    answer = (_, response) => response.writeHead(404).end();
    const missing = await check();
    expect(codesOf(missing)).toEqual(['error not-served']);
    expect(missing.file).toBeNull();
    expect(missing.findings.at(-1)?.message).toBe('no file comes from it: status 404');
  });

  it('follows redirects, and asks again where the host fails for a moment', async () => {
    let failures = 1;
    answer = (request, response) => {
      if (request.url !== '/moved') response.writeHead(302, { location: '/moved' }).end();
      else if (failures-- > 0) response.writeHead(503).end();
      else withRanges(request, response);
    };
    expect(codesOf(await check())).toEqual([]);
  });

  it('says that nobody answers, and that an address is none', async () => {
    answer = (request) => request.socket.destroy();
    expect(codesOf(await check())).toEqual(['error not-served']);
    expect(asked).toHaveLength(3);
    const none = await checkHosting(requestFile, 'mlcube.yaml?sig=secret');
    expect(none).toMatchObject({ url: '"mlcube.yaml"', file: null, findings: [{ code: 'not-served' }] });
  });

  it('ends when it is aborted', async () => {
    answer = (_, response) => void response.writeHead(200).write('begun');
    const stop = new AbortController();
    const checking = check({ signal: stop.signal, onProgress: () => stop.abort(new Error('stop')) });
    await expect(checking).rejects.toThrow('stop');
  });
});
