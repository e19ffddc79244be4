import { execFile } from 'node:child_process';
import { chmod, chown, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const INSTALLATIONS = '/usr/lib/postgresql';

export interface LocalPostgres {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * The PostgreSQL of `TEST_POSTGRES_URL`, or one of this machine's own started in a temporary directory, reached by a socket
 * there. @throws Error when there is neither.
 */
export async function startPostgres(): Promise<LocalPostgres> {
  const given = process.env.TEST_POSTGRES_URL;
  if (given !== undefined) return { url: given, stop: () => Promise.resolve() };
  const programs = await programsFolder();
  const directory = await mkdtemp(join(tmpdir(), 'postgres-'));
  await ownedByPostgres(directory);
  const data = join(directory, 'data');
  await asPostgres(join(programs, 'initdb'), ['--auth=trust', '--username=postgres', '--no-sync', '-D', data]);
  const options = `-c listen_addresses= -c unix_socket_directories=${directory} -c fsync=off`;
  // Without a log of its own, the server keeps this program's output open and the call never returns.
  const log = join(directory, 'log');
  await asPostgres(join(programs, 'pg_ctl'), ['start', '--wait', '--silent', '-D', data, '-l', log, '-o', options]);
  return {
    url: `postgresql:///postgres?user=postgres&host=${encodeURIComponent(directory)}`,
    stop: async () => {
      await asPostgres(join(programs, 'pg_ctl'), ['stop', '--wait', '--silent', '-m', 'immediate', '-D', data]);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function programsFolder(): Promise<string> {
  const versions = await readdir(INSTALLATIONS).catch(() => []);
  const newest = versions.sort((a, b) => Number(b) - Number(a))[0];
  if (newest === undefined) {
    throw new Error('No PostgreSQL here: set TEST_POSTGRES_URL, or on Debian run apt-get install postgresql.');
  }
  return join(INSTALLATIONS, newest, 'bin');
}

/** PostgreSQL refuses to run as root. */
async function ownedByPostgres(directory: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const [uid, gid] = await Promise.all(['-u', '-g'].map((flag) => run('id', [flag, 'postgres'])));
  await chmod(directory, 0o755);
  await chown(directory, Number(uid?.stdout), Number(gid?.stdout));
}

async function asPostgres(program: string, words: readonly string[]): Promise<void> {
  const cwd = '/';
  if (process.getuid?.() === 0) await run('runuser', ['-u', 'postgres', '--', program, ...words], { cwd });
  else await run(program, words, { cwd });
}
