import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cubeFields } from '../../test/registry-fixtures';
import { Parties } from '../../test/registry-parties';
import { now } from './clock';
import { lockDirectory } from '../directory-lock';
import { exampleTutorial, openLocalIssuer, seedTutorial, startRegistry } from './index';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'registry-'));
});
afterEach(() => rm(directory, { recursive: true }));

it('keeps its records in its directory, which belongs to one at a time', async () => {
  const issuer = await openLocalIssuer();
  const options = { dialect: 'E25', database: { directory }, tokens: issuer.settings } as const;
  const first = await startRegistry(options);
  expect(await seedTutorial(first, exampleTutorial('E25'))).toBe(true);
  const owner = new Parties(first, issuer);
  expect(await owner.call('modelOwner', 'POST', '/mlcubes/', cubeFields('kept'))).toMatchObject({
    body: { id: 5 },
  });
  await expect(startRegistry(options)).rejects.toThrow(`in use by process ${process.pid}`);
  await first.close();

  const second = await startRegistry(options);
  expect(await seedTutorial(second, exampleTutorial('E25'))).toBe(false);
  const reader = new Parties(second, issuer);
  expect(await reader.call('modelOwner', 'GET', '/mlcubes/5/')).toMatchObject({ body: { name: 'kept' } });
  await second.close();
}, 60_000);

it('keeps a database to the dialect that it was made for', async () => {
  const first = await startRegistry({ dialect: 'E23', database: { directory } });
  await first.close();
  await expect(startRegistry({ dialect: 'HEAD', database: { directory } })).rejects.toMatchObject({
    type: 'InvalidRequest',
    facts: { expected: 'HEAD', found: 'E23' },
  });
  const again = await startRegistry({ dialect: 'E23', database: { directory } });
  await again.close();
}, 60_000);

it('says what keeps it from listening', async () => {
  const first = await startRegistry({ dialect: 'E23', database: {} });
  const port = Number(new URL(first.url).port);
  await expect(startRegistry({ dialect: 'E23', database: {}, port })).rejects.toMatchObject({ type: 'InvalidRequest' });
  await first.close();
}, 60_000);

it('takes over from an owner that is gone', async () => {
  // Process 1 lives, but did not start when the lock says so.
  for (const gone of ['owner-999999999-5-a.lock', 'owner-1-5-a.lock']) {
    await writeFile(join(directory, gone), '');
    const unlock = await lockDirectory(directory, 'The directory');
    await expect(lockDirectory(directory, 'The directory')).rejects.toThrow('in use');
    await unlock();
    expect(await readdir(directory)).toEqual([]);
  }
});

it('lets no two of many at once have the directory, and the next one afterwards', async () => {
  const outcomes = await Promise.allSettled(
    Array.from({ length: 10 }, () => lockDirectory(directory, 'The directory')),
  );
  const owners = outcomes.filter((outcome) => outcome.status === 'fulfilled');
  expect(owners.length).toBeLessThanOrEqual(1);
  for (const { value: unlock } of owners) await unlock();
  await lockDirectory(directory, 'The directory');
});

it('has a clock that never says the same time twice', () => {
  const times = Array.from({ length: 5000 }, now);
  expect(times).toEqual([...new Set(times)].sort());
});
