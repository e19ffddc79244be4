import type { ServerResponse } from 'node:http';
import { parseImageReference } from '../contract';
import type { ImageReference } from '../contract';
import { FakeImageRegistry } from '../test/fake-image-registry';
import { ImageRegistries } from './oci-registry';
import type { ImageRegistriesOptions } from './oci-registry';

const CONFIG = {
  architecture: 'amd64',
  os: 'linux',
  config: { User: '1000', Entrypoint: ['/run'], Cmd: null, Env: ['A=1', 'B=x=y', 'C'], Labels: { l: 'v' } },
  rootfs: { type: 'layers', diff_ids: [] },
};

let fakes: FakeImageRegistry[] = [];
let clients: ImageRegistries[] = [];
afterEach(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await Promise.all(fakes.map((fake) => fake.stop()));
  [fakes, clients] = [[], []];
});

async function fake(options?: Parameters<typeof FakeImageRegistry.start>[0]): Promise<FakeImageRegistry> {
  const started = await FakeImageRegistry.start(options);
  fakes.push(started);
  return started;
}

function client(options: ImageRegistriesOptions = {}): ImageRegistries {
  const made = new ImageRegistries(options);
  clients.push(made);
  return made;
}

function named(registry: FakeImageRegistry, rest = 'a/b:1'): ImageReference {
  return parseImageReference(`${registry.host}/${rest}`)!;
}

/** An image of two layers under the tag 1. */
function putImage(registry: FakeImageRegistry, config: object = CONFIG): { manifest: string; config: string } {
  const configBlob = registry.putBlob(JSON.stringify(config));
  const layers = [registry.putBlob('one'), registry.putBlob('three')];
  const manifest = registry.put('1', { schemaVersion: 2, config: configBlob, layers });
  return { manifest, config: configBlob.digest };
}

function answers(status: number, headers: Record<string, string> = {}, body: string | Buffer = '') {
  return (_request: unknown, response: ServerResponse): boolean => {
    response.writeHead(status, headers).end(body);
    return true;
  };
}

describe('describing an image', () => {
  it('reads manifest and configuration, and no layer', async () => {
    const registry = await fake();
    const { manifest, config } = putImage(registry);
    expect(await client().describe(named(registry), 'amd64')).toEqual({
      manifestDigest: manifest,
      configDigest: config,
      architecture: 'amd64',
      os: 'linux',
      user: '1000',
      entrypoint: ['/run'],
      command: [],
      environment: { A: '1', B: 'x=y', C: '' },
      labels: { l: 'v' },
      transferBytes: 8,
    });
    expect(registry.seen.map(({ path }) => path)).toEqual(['/v2/a/b/manifests/1', `/v2/a/b/blobs/${config}`]);
    expect(await client().resolve(named(registry))).toBe(manifest);
    expect(await client().resolve(named(registry, 'a/b:2'))).toBeNull();
  });

  it('chooses linux and the architecture from a list, and says what there is else', async () => {
    const registry = await fake();
    const { manifest } = putImage(registry);
    const child = { mediaType: 'application/vnd.oci.image.manifest.v1+json', size: 1 };
    registry.put('many', {
      schemaVersion: 2,
      manifests: [
        { ...child, digest: `sha256:${'0'.repeat(64)}`, platform: { os: 'windows', architecture: 'amd64' } },
        { ...child, digest: `sha256:${'1'.repeat(64)}`, platform: { os: 'unknown', architecture: 'unknown' } },
        { ...child, digest: manifest, platform: { os: 'linux', architecture: 'amd64' } },
      ],
    });
    const image = await client().describe(named(registry, 'a/b:many'), 'amd64');
    expect(image.manifestDigest).toBe(manifest);
    await expect(client().describe(named(registry, 'a/b:many'), 'arm64')).rejects.toMatchObject({
      problem: 'not-found',
      facts: { found: 'an image for windows/amd64, linux/amd64 only' },
    });
  });
});

describe('tokens', () => {
  const may = { tokens: { user: 'secret', refresh: 'identity' } };

  it.each([
    ['a password', { username: 'user', password: 'secret' }],
    ['an identity token', { identitytoken: 'identity' }],
  ])('are asked for once, with %s', async (_, credentials) => {
    const registry = await fake(may);
    putImage(registry);
    const registries = client({ credentials: () => Promise.resolve(credentials) });
    await registries.describe(named(registry), 'amd64');
    await registries.describe(named(registry), 'amd64');
    expect(registry.tokenAnswers).toBe(1);
    registry.expireTokens();
    await registries.describe(named(registry), 'amd64');
    expect(registry.tokenAnswers).toBe(2);
  });

  it('are given to nobody in particular where the registry does so', async () => {
    const registry = await fake({ tokens: { '': '' } });
    putImage(registry);
    expect((await client().describe(named(registry), 'amd64')).os).toBe('linux');
  });

  it.each([
    ['nobody', null],
    ['a wrong password', { username: 'user', password: 'wrong' }],
  ])('are not given to %s, and the refusal holds no secret', async (_, credentials) => {
    const registry = await fake(may);
    const failed = client({ credentials: () => Promise.resolve(credentials) }).describe(named(registry), 'amd64');
    await expect(failed).rejects.toMatchObject({ problem: 'unauthorised', type: 'NeedsAttention' });
    await expect(failed).rejects.not.toThrow(/wrong/);
  });

  it('are not fetched from an address that is none', async () => {
    const registry = await fake();
    for (const realm of ['', 'ftp://x/', 'http://user:pw@x/']) {
      registry.interfere = answers(401, { 'www-authenticate': `Bearer realm="${realm}"` });
      await expect(client().describe(named(registry), 'amd64')).rejects.toMatchObject({ problem: 'unusable' });
    }
  });
});

describe('a redirect', () => {
  it('takes no authorization to another place', async () => {
    const [registry, elsewhere] = [await fake({ tokens: { user: 'secret' } }), await fake()];
    const { config } = putImage(registry);
    elsewhere.blobs.set(config, registry.blobs.get(config)!);
    registry.interfere = (request, response, url) => {
      if (request.headers.authorization === undefined || !url.pathname.includes('/blobs/')) return false;
      return answers(307, { location: `http://${elsewhere.host}${url.pathname}` })(request, response);
    };
    const registries = client({ credentials: () => Promise.resolve({ username: 'user', password: 'secret' }) });
    expect((await registries.describe(named(registry), 'amd64')).configDigest).toBe(config);
    expect(elsewhere.seen).toEqual([{ method: 'GET', path: `/v2/a/b/blobs/${config}`, authorization: undefined }]);
  });

  it('that leads to a place which asks for credentials gets none', async () => {
    const [registry, elsewhere] = [await fake(), await fake()];
    elsewhere.interfere = answers(401, { 'www-authenticate': 'Basic realm="give"' });
    registry.interfere = answers(302, { location: `http://${elsewhere.host}/v2/a/b/manifests/1` });
    const registries = client({ credentials: () => Promise.resolve({ username: 'user', password: 'secret' }) });
    await expect(registries.describe(named(registry), 'amd64')).rejects.toMatchObject({ problem: 'unauthorised' });
    expect(elsewhere.seen.map(({ authorization }) => authorization)).toEqual([undefined]);
  });

  it('in a circle or to another scheme is refused', async () => {
    const registry = await fake();
    for (const location of ['/v2/a/b/manifests/1', 'file:///etc/passwd', 'http://[', 'ftp://x/y']) {
      registry.interfere = answers(302, { location });
      await expect(client().describe(named(registry), 'amd64')).rejects.toMatchObject({ problem: 'unusable' });
    }
    expect(registry.seen).toHaveLength(6 + 3);
  });
});

describe('a hostile or broken registry', () => {
  it.each([
    ['a huge manifest', answers(200, {}, Buffer.alloc(5 * 1024 * 1024, '[')), 'unusable'],
    ['text', answers(200, {}, 'hello'), 'unusable'],
    ['a manifest of the first schema', answers(200, {}, '{"schemaVersion":1}'), 'unusable'],
    ['deep nesting', answers(200, {}, '['.repeat(1_000_000)), 'unusable'],
    ['status 404', answers(404), 'not-found'],
    ['status 403', answers(403), 'unauthorised'],
    ['status 401 without a challenge', answers(401), 'unauthorised'],
    ['a challenge of another kind', answers(401, { 'www-authenticate': 'Negotiate' }), 'unauthorised'],
    ['status 429', answers(429, { 'retry-after': '30' }), 'rate-limited'],
    ['status 500', answers(500), 'unreachable'],
    ['status 418', answers(418), 'unusable'],
  ])('that answers with %s is told apart', async (_, interfere, problem) => {
    const registry = await fake();
    registry.interfere = interfere;
    await expect(client().describe(named(registry), 'amd64')).rejects.toMatchObject({ problem });
  });

  it('that gives other bytes than a digest’s is not believed', async () => {
    const registry = await fake();
    const { manifest, config } = putImage(registry);
    registry.blobs.set(config, Buffer.from(JSON.stringify({ ...CONFIG, os: 'other' })));
    await expect(client().describe(named(registry), 'amd64')).rejects.toMatchObject({ type: 'HashMismatch' });
    registry.manifests.set(manifest, { type: '', bytes: Buffer.from('{}') });
    const pinned = named(registry, `a/b@${manifest}`);
    await expect(client().describe(pinned, 'amd64')).rejects.toMatchObject({ problem: 'wrong-content' });
  });

  it('that answers slowly, or not to the end, is given up', async () => {
    const registry = await fake();
    const registries = client({ limits: { answerMs: 100 } });
    const unreachable = { problem: 'unreachable', type: 'StoreUnavailable' };
    registry.interfere = () => true;
    await expect(registries.describe(named(registry), 'amd64')).rejects.toMatchObject(unreachable);
    registry.interfere = (_request, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('{');
      return true;
    };
    await expect(registries.describe(named(registry), 'amd64')).rejects.toMatchObject(unreachable);
    registry.interfere = (_request, response) => {
      response.destroy();
      return true;
    };
    await expect(registries.describe(named(registry), 'amd64')).rejects.toMatchObject(unreachable);
  });

  it('that is not there is unreachable, and one without encryption beyond this machine is not spoken to', async () => {
    const gone = await fake();
    const reference = named(gone);
    await gone.stop();
    fakes = [];
    await expect(client().describe(reference, 'amd64')).rejects.toMatchObject({ problem: 'unreachable' });
    const transport = (options?: ImageRegistriesOptions): URL =>
      client(options).transport('images.example.org:5000').resolve('/v2/');
    expect(transport().protocol).toBe('https:');
    expect(transport({ plainHttpHosts: ['images.example.org:5000'] }).protocol).toBe('http:');
    expect(() => client().transport('images.example.org').resolve('http://images.example.org/x')).toThrow('http:');
  });

  it('is left at once when asked to stop', async () => {
    const registry = await fake();
    const stop = new AbortController();
    registry.interfere = () => {
      stop.abort(new Error('stopped'));
      return true;
    };
    await expect(client().describe(named(registry), 'amd64', stop.signal)).rejects.toThrow('stopped');
  });
});
