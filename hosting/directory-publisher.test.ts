import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileStore } from '../store/file-store';
import { DirectoryPublisher } from './directory-publisher';

let scratch: string;
let store: FileStore;
let server: Server;
let publisher: DirectoryPublisher;
/** What the web server shows; tests put something else here. */
let serve: (path: string) => Promise<Buffer>;

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'publisher-'));
  store = new FileStore(join(scratch, 'store'));
  serve = (path) => readFile(join(scratch, 'public', path));
  server = createServer((request, response) => {
    serve((request.url ?? '').replace('/files', '')).then(
      (bytes) => response.end(bytes),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/files/`;
  publisher = new DirectoryPublisher({ store, directory: join(scratch, 'public'), baseUrl });
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(scratch, { recursive: true });
});

describe('DirectoryPublisher', () => {
  it('publishes each file under its content’s address, and again gives the same URL', async () => {
    const manifest = await store.putBytes('name: x\n');
    const parameters = await store.putBytes('a: 1\n');
    const files = { 'mlcube.yaml': manifest.digest, 'parameters.yaml': parameters.digest };
    const published = await publisher.publish('my-model', files);
    expect(Object.keys(published)).toEqual(['mlcube.yaml', 'parameters.yaml']);
    expect(published['mlcube.yaml']?.url).toMatch(
      new RegExp(`^http://127.0.0.1:\\d+/files/my-model/${manifest.digest.slice(7, 19)}/mlcube\\.yaml$`),
    );
    expect(await (await fetch(published['parameters.yaml']!.url)).text()).toBe('a: 1\n');
    expect(await publisher.publish('my-model', files)).toEqual(published);
    const path = join(scratch, 'public', 'my-model', manifest.digest.slice(7, 19));
    expect((await stat(join(path, 'mlcube.yaml'))).mode & 0o777).toBe(0o644);
    expect(await readdir(path)).toEqual(['mlcube.yaml']);
  });

  it('keeps the first version when a second one is published', async () => {
    const [first, second] = [await store.putBytes('1'), await store.putBytes('2')];
    const one = await publisher.publish('m', { 'mlcube.yaml': first.digest });
    const two = await publisher.publish('m', { 'mlcube.yaml': second.digest });
    expect(one).not.toEqual(two);
    expect(await (await fetch(one['mlcube.yaml']!.url)).text()).toBe('1');
  });

  it('tells what the hosting check warns of, and refuses a place where files would not stay', async () => {
    const { digest } = await store.putBytes('content');
    const { findings } = (await publisher.publish('m', { 'mlcube.yaml': digest }))['mlcube.yaml']!;
    // This server knows neither validators nor ranges.
    expect(findings.map(({ severity, code }) => `${severity} ${code}`)).toEqual([
      'warning private-host',
      'warning not-resumable',
    ]);
    const { port } = server.address() as AddressInfo;
    const mutable = new DirectoryPublisher({
      store,
      directory: join(scratch, 'public', 'latest'),
      baseUrl: `http://127.0.0.1:${port}/files/latest`,
    });
    await expect(mutable.publish('m', { 'mlcube.yaml': digest })).rejects.toMatchObject({
      type: 'InvalidRequest',
      message: expect.stringContaining('whatever is the latest at the time') as string,
    });
  });

  it('says when the web server shows another file', async () => {
    const { digest } = await store.putBytes('right');
    serve = () => Promise.resolve(Buffer.from('wrong'));
    await expect(publisher.publish('m', { 'mlcube.yaml': digest })).rejects.toMatchObject({
      type: 'HashMismatch',
      facts: { expected: digest.slice(7) },
    });
  });

  it('says when the web server shows nothing or does not run', async () => {
    const { digest } = await store.putBytes('content');
    serve = () => Promise.reject(new Error('nothing here'));
    const unreachable = {
      type: 'StoreUnavailable',
      message: expect.stringContaining('was published but is not reachable') as string,
    };
    await expect(publisher.publish('m', { 'mlcube.yaml': digest })).rejects.toMatchObject(unreachable);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await expect(publisher.publish('m', { 'mlcube.yaml': digest })).rejects.toMatchObject(unreachable);
  });

  it.each(['../up', '', '.hidden', 'a/b', 'a b', 'x'.repeat(101), 'a\0'])(
    'refuses the name %j and writes nothing',
    async (name) => {
      const { digest } = await store.putBytes('content');
      await expect(publisher.publish(name, { 'mlcube.yaml': digest })).rejects.toMatchObject({
        type: 'InvalidRequest',
      });
      await expect(publisher.publish('m', { ok: digest, [name]: digest })).rejects.toMatchObject({
        type: 'InvalidRequest',
      });
      expect(await readdir(scratch)).toEqual(['store']);
    },
  );

  it('names a blob that the store lost, and stops when aborted', async () => {
    await expect(publisher.publish('m', { a: `sha256:${'0'.repeat(64)}` })).rejects.toThrow('is not in the store');
    const { digest } = await store.putBytes('content');
    await expect(
      publisher.publish('m', { a: digest }, { signal: AbortSignal.abort(new Error('stop')) }),
    ).rejects.toThrow('stop');
  });
});
