import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLocalIssuer } from './local-issuer';

it('keeps its keys, which only their owner may read, also when two make them at once', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'issuer-'));
  try {
    const issuers = await Promise.all([openLocalIssuer(directory), openLocalIssuer(directory)]);
    const keys = new Set([...issuers, await openLocalIssuer(directory)].map(({ settings }) => settings.verifyingKey));
    expect(keys.size).toBe(1);
    expect((await stat(join(directory, 'signing-keys.json'))).mode & 0o777).toBe(0o600);
    const file = join(directory, 'tokens.json');
    await issuers[0].writeTokens(file, [{ username: 'testmo', email: 'testmo@example.com' }]);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({
      'testmo@example.com': expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/) as string,
    });
  } finally {
    await rm(directory, { recursive: true });
  }
});
