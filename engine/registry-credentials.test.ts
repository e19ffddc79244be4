import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { findCredentials, registryOf } from './registry-credentials';

let directory: string;
const oldPath = process.env['PATH'];

beforeEach(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'medperf-credentials-'));
});
afterEach(async () => {
  process.env['PATH'] = oldPath;
  await fs.rm(directory, { recursive: true, force: true });
});

const configure = (config: unknown) => fs.writeFile(path.join(directory, 'config.json'), JSON.stringify(config));

async function installHelper(name: string, script: string): Promise<void> {
  await fs.writeFile(path.join(directory, `docker-credential-${name}`), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  process.env['PATH'] = `${directory}:${oldPath ?? ''}`;
}

describe('the registry of a reference', () => {
  it.each([
    ['owner/model:1', 'https://index.docker.io/v1/'],
    ['model', 'https://index.docker.io/v1/'],
    ['registry.example/owner/model', 'registry.example'],
    ['localhost/model', 'localhost'],
    ['localhost:5000/model:1', 'localhost:5000'],
  ])('%s is at %s', (reference, registry) => {
    expect(registryOf(reference)).toBe(registry);
  });
});

describe('credentials', () => {
  it('come from the configuration file, with colons in the password', async () => {
    await configure({ auths: { 'https://registry.example/v2/': { auth: Buffer.from('ann:a:b').toString('base64') } } });
    expect(await findCredentials('registry.example/model:1', directory)).toEqual({
      username: 'ann',
      password: 'a:b',
      serveraddress: 'registry.example',
    });
  });

  it('are never those of another registry', async () => {
    await configure({ auths: { 'registry.example': { auth: Buffer.from('ann:secret').toString('base64') } } });
    expect(await findCredentials('registry.example.org/model:1', directory)).toBeNull();
    expect(await findCredentials('owner/model', directory)).toBeNull();
  });

  it("come from the registry's own helper, which is told the registry", async () => {
    await installHelper(
      'demo',
      `read server; echo "{\\"ServerURL\\":\\"$server\\",\\"Username\\":\\"ann\\",\\"Secret\\":\\"for-$server\\"}"`,
    );
    await configure({ credHelpers: { 'registry.example': 'demo' } });
    expect(await findCredentials('registry.example/model', directory)).toMatchObject({
      username: 'ann',
      password: 'for-registry.example',
    });
  });

  it('may be a token', async () => {
    await installHelper('token', `echo '{"Username":"<token>","Secret":"t"}'`);
    await configure({ credsStore: 'token' });
    expect(await findCredentials('registry.example/model', directory)).toEqual({
      identitytoken: 't',
      serveraddress: 'registry.example',
    });
  });

  it('are none where nothing is configured, a helper fails, is absent or is no plain name', async () => {
    expect(await findCredentials('registry.example/model', directory)).toBeNull();
    await installHelper('failing', 'echo "credentials not found"; exit 1');
    for (const credsStore of ['failing', 'absent', '../evil']) {
      await configure({ credsStore });
      expect(await findCredentials('registry.example/model', directory)).toBeNull();
    }
  });
});
