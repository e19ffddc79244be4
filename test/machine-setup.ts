import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { findOrGetDocker } from '../devstack/setup/docker-engine';
import { findOrGetTemporal } from '../devstack/setup/temporal-server';
import { getImageRegistry } from './image-registry';
import { getS3Server } from './s3-server';

const run = promisify(execFile);

/** Gets what the tests on real parts need: a Docker engine, the Temporal server's program, PostgreSQL, an image registry and an S3 server. */
export default async function setUpMachine(): Promise<void> {
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  await findOrGetDocker(say);
  process.env['TEMPORAL_MEDPERF_TEMPORAL_CLI'] = await findOrGetTemporal(say);
  await getPostgres(say);
  await getImageRegistry(say);
  await getS3Server(say);
}

/** Only the tests want PostgreSQL itself; the product's default is PGlite. */
async function getPostgres(say: (line: string) => void): Promise<void> {
  if (process.env['TEST_POSTGRES_URL'] !== undefined || existsSync('/usr/lib/postgresql')) return;
  say('Installing PostgreSQL for the tests (apt-get install postgresql) …');
  await run('apt-get', ['update']);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await run('apt-get', ['install', '-y', '--no-install-recommends', 'postgresql'], { env });
}
