import { chmod, mkdtemp, readFile, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openProfiles } from './profiles';
import type { Profiles, SignedInProfile } from './profiles';

const ONE: SignedInProfile = {
  name: 'default',
  server: 'http://localhost:8000',
  username: 'testmodelowner',
  credentials: { kind: 'password', token: 'abc' },
};
const OTHER: SignedInProfile = {
  name: 'bo',
  server: 'https://h.example',
  username: 'testbenchmarkowner',
  credentials: { kind: 'password', token: 'def' },
};

let directory: string;
let profiles: Profiles;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'profiles-'));
  profiles = openProfiles(directory);
});
afterEach(() => rm(directory, { recursive: true }));

it('keeps profiles, and their tokens apart and private', async () => {
  expect(await profiles.list()).toEqual([]);
  await profiles.save({ ...ONE, server: 'http://localhost:8000/' });
  await profiles.save(OTHER);
  expect((await profiles.list()).map((profile) => profile.name)).toEqual(['bo', 'default']);
  expect(await profiles.get('default')).toEqual({ ...ONE, signInBy: 'password' });
  expect(await readFile(join(directory, 'profiles.json'), 'utf8')).not.toContain('abc');
  expect((await stat(join(directory, 'credentials.json'))).mode & 0o777).toBe(0o600);
  expect((await readdir(directory)).sort()).toEqual(['credentials.json', 'profiles.json']);
});

it("keeps an authority of the server's, signed out too", async () => {
  await profiles.save({ ...ONE, ca: 'PEM' });
  expect(await profiles.get('default')).toEqual({ ...ONE, ca: 'PEM', signInBy: 'password' });
  await profiles.forget('default');
  expect(await profiles.list()).toEqual([expect.objectContaining({ name: 'default', ca: 'PEM' })]);
  await profiles.save(ONE);
  expect(await profiles.get('default')).toEqual({ ...ONE, signInBy: 'password' });
});

it('sees what somebody else wrote meanwhile', async () => {
  await profiles.save(ONE);
  await openProfiles(directory).save({ ...ONE, credentials: { kind: 'local', token: 'new' } });
  expect(await profiles.authorization('default')()).toBe('Bearer new');
});

it('loses none of many sign-ins and sign-outs at once', async () => {
  const names = Array.from({ length: 8 }, (_, at) => `user${at}`);
  const save = (name: string): Promise<void> =>
    openProfiles(directory).save({ ...ONE, name, credentials: { kind: 'password', token: `of ${name}` } });
  await Promise.all(names.map(save));
  for (const name of names) expect(await profiles.authorization(name)()).toBe(`Token of ${name}`);
  const [leaving = '', ...staying] = names;
  await Promise.all([openProfiles(directory).forget(leaving), ...['x', 'y', 'z'].map(save)]);
  await expect(profiles.get(leaving)).rejects.toMatchObject({ type: 'NeedsAttention' });
  for (const name of [...staying, 'x', 'y', 'z']) expect(await profiles.authorization(name)()).toBe(`Token of ${name}`);
  expect((await readdir(directory)).sort()).toEqual(['credentials.json', 'profiles.json']);
});

it('goes on after a process that died while it signed in', async () => {
  const abandoned = join(directory, '.turn-00000000-0000-4000-8000-000000000000');
  await writeFile(abandoned, '');
  await utimes(abandoned, new Date(), new Date(Date.now() - 60_000));
  await profiles.save(ONE);
  expect((await readdir(directory)).sort()).toEqual(['credentials.json', 'profiles.json']);
});

it('signs out but remembers the server', async () => {
  await profiles.save(ONE);
  await profiles.forget('default');
  expect(await profiles.list()).toHaveLength(1);
  await expect(profiles.get('default')).rejects.toMatchObject({
    type: 'NeedsAttention',
    facts: { what: 'The profile "default" is signed out.', next: 'Sign in: temporal-medperf login --profile default' },
  });
});

it.each(['nobody', 'constructor', '__proto__'])('asks to sign in for the unknown profile %s', async (name) => {
  await profiles.save(ONE);
  await expect(profiles.get(name)).rejects.toMatchObject({ type: 'NeedsAttention' });
  await expect(profiles.forget(name)).rejects.toMatchObject({ type: 'NeedsAttention' });
});

it.each(['', '../x', '__proto__', 'a b'])('refuses the name %j', async (name) => {
  await expect(profiles.save({ ...ONE, name })).rejects.toMatchObject({ type: 'InvalidRequest' });
});

it('refuses tokens that others may read', async () => {
  await profiles.save(ONE);
  await chmod(join(directory, 'credentials.json'), 0o640);
  await expect(profiles.get('default')).rejects.toMatchObject({
    type: 'NeedsAttention',
    facts: { found: 'mode 640', next: expect.stringContaining('chmod 600 credentials.json') as unknown },
  });
});

it.each(['profiles.json', 'credentials.json'])('says when %s is damaged, without showing it', async (file) => {
  await profiles.save(ONE);
  await writeFile(join(directory, file), '{"default": "secr');
  const reading = profiles.get('default');
  await expect(reading).rejects.toMatchObject({ type: 'NeedsAttention' });
  await expect(reading).rejects.not.toThrow(/secr/);
  await expect(profiles.save(OTHER)).rejects.toMatchObject({ type: 'NeedsAttention' });
});

it('reads what earlier versions wrote as the sign-ins by password that they were', async () => {
  const old = { default: { server: 'http://localhost:8000', username: 'testmodelowner' } };
  await writeFile(join(directory, 'profiles.json'), JSON.stringify(old));
  await writeFile(join(directory, 'credentials.json'), JSON.stringify({ default: 'abc' }), { mode: 0o600 });
  expect(await profiles.get('default')).toEqual({ ...ONE });
  await profiles.save(OTHER);
  expect(await profiles.authorization('default')()).toBe('Token abc');
});
