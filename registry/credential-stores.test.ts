import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemKeyring } from './credential-stores';
import { openProfiles } from './profiles';

const profile = {
  name: 'default',
  server: 'https://h.example',
  username: 'ada',
  credentialStore: 'keyring',
  credentials: { kind: 'password', token: 'secret-word' },
} as const;

it('says that no keyring runs, and how to do without', async () => {
  const before = process.env['DBUS_SESSION_BUS_ADDRESS'];
  process.env['DBUS_SESSION_BUS_ADDRESS'] = 'unix:path=/nonexistent';
  const directory = await mkdtemp(join(tmpdir(), 'keyring-'));
  try {
    const saving = openProfiles(directory).save(profile);
    await expect(saving).rejects.toMatchObject({
      type: 'NeedsAttention',
      facts: { next: expect.stringContaining('--credentials file') as string },
    });
    await expect(saving).rejects.not.toThrow(/secret-word/);
    await expect(systemKeyring(directory).read('default')).rejects.toMatchObject({ type: 'NeedsAttention' });
    expect(await readdir(directory)).toEqual([]);
  } finally {
    if (before === undefined) delete process.env['DBUS_SESSION_BUS_ADDRESS'];
    else process.env['DBUS_SESSION_BUS_ADDRESS'] = before;
    await rm(directory, { recursive: true });
  }
});
