import { startWithParties } from '../test/registry-parties';
import type { Parties } from '../test/registry-parties';
import { signInByPassword } from './sign-in';

let parties: Parties;
beforeAll(async () => {
  parties = await startWithParties('E23');
}, 60_000);
afterAll(() => parties.server.close());

describe('signing in by password', () => {
  const signIn = (address: string, username: string, password: string): ReturnType<typeof signInByPassword> =>
    signInByPassword({ server: address }, { username, password });

  it('gives the token and the user', async () => {
    expect(await signIn(`${parties.server.url}/`, 'testmodelowner', 'test')).toEqual({
      credentials: { kind: 'password', token: expect.stringMatching(/^[0-9a-f]{40}$/) as unknown },
      user: { uid: 3, username: 'testmodelowner', email: 'testmo@example.com' },
    });
  });

  it("passes the server's words on, and never the password", async () => {
    const refused = signIn(parties.server.url, 'testmodelowner', 'secret-word');
    await expect(refused).rejects.toMatchObject({
      type: 'RegistryRejected',
      facts: { found: 'HTTP 400: Unable to log in with provided credentials' },
    });
    await expect(refused).rejects.not.toThrow(/secret-word/);
  });

  it('says when nothing answers there, and when the address is none', async () => {
    await expect(signIn('http://127.0.0.1:1', 'a', 'b')).rejects.toMatchObject({ type: 'RegistryUnavailable' });
    for (const address of [
      'localhost:8000',
      'ftp://h.example',
      'https://user:pass@h.example',
      'https://h.example/?a=1',
      '',
    ]) {
      await expect(signIn(address, 'a', 'b')).rejects.toMatchObject({ type: 'InvalidRequest' });
    }
  });
});
