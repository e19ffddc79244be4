import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startFileHost } from './file-host';
import type { FileHost } from './file-host';

describe('startFileHost', () => {
  let root: string;
  let host: FileHost;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'medperf-file-host-'));
    const directory = join(root, 'public');
    await mkdir(join(directory, 'cube'), { recursive: true });
    await writeFile(join(root, 'secret.txt'), 'secret');
    await writeFile(join(directory, 'cube', 'mlcube.yaml'), 'name: cube\n');
    await writeFile(join(directory, 'cube', 'additional_files.tar.gz'), Buffer.from([1, 2, 3]));
    await writeFile(join(directory, 'a %25#?ü.txt'), 'odd');
    await symlink(join(root, 'secret.txt'), join(directory, 'link.txt'));
    host = await startFileHost({ directory });
  });
  afterAll(async () => {
    await host.close();
    await rm(root, { recursive: true, force: true });
  });

  it('serves a file with its type and length', async () => {
    const answer = await fetch(`${host.url}/cube/mlcube.yaml`);
    expect(answer.headers.get('content-type')).toMatch('text/yaml');
    expect(answer.headers.get('content-length')).toBe('11');
    expect(await answer.text()).toBe('name: cube\n');
  });

  it('serves an archive as it is, not as a content encoding', async () => {
    const answer = await fetch(`${host.url}/cube/additional_files.tar.gz`);
    expect(answer.headers.get('content-type')).toBe('application/gzip');
    expect(answer.headers.get('content-encoding')).toBeNull();
    expect([...new Uint8Array(await answer.arrayBuffer())]).toEqual([1, 2, 3]);
  });

  it('answers HEAD without the file', async () => {
    const answer = await fetch(`${host.url}/cube/mlcube.yaml`, { method: 'HEAD' });
    expect([answer.status, await answer.text()]).toEqual([200, '']);
  });

  it('gives the rest of a file that is still the same, and all of another one', async () => {
    const whole = await fetch(`${host.url}/cube/mlcube.yaml`);
    const date = whole.headers.get('last-modified') ?? '';
    const rest = await fetch(`${host.url}/cube/mlcube.yaml`, { headers: { range: 'bytes=6-', 'if-range': date } });
    expect([rest.status, rest.headers.get('content-range'), await rest.text()]).toEqual([
      206,
      'bytes 6-10/11',
      'cube\n',
    ]);
    const before = new Date(Date.parse(date) - 1000).toUTCString();
    const other = await fetch(`${host.url}/cube/mlcube.yaml`, { headers: { range: 'bytes=6-', 'if-range': before } });
    expect([other.status, await other.text()]).toEqual([200, 'name: cube\n']);
  });

  it('serves names that need escapes', async () => {
    expect(await (await fetch(`${host.url}/${encodeURIComponent('a %25#?ü.txt')}`)).text()).toBe('odd');
  });

  it('refuses to write', async () => {
    expect((await fetch(`${host.url}/cube/mlcube.yaml`, { method: 'PUT', body: 'x' })).status).toBe(405);
  });

  it.each(['/', '/cube', '/cube/', '/nothing', '/link.txt', '/%2e%2e/secret.txt', '/..%2fsecret.txt', '/%00', '/%zz'])(
    'has nothing at %s',
    async (path) => expect((await fetch(`${host.url}${path}`)).status).toBe(404),
  );

  it('does not leave its directory for a client that sends the path unchanged', async () => {
    expect(await rawStatus(host.url, '/../secret.txt')).toBe(404);
  });
});

function rawStatus(url: string, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => {
      socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    });
    socket.once('data', (bytes) => resolve(Number(bytes.toString().split(' ')[1])));
    socket.once('error', reject);
  });
}
