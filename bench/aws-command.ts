import { execFile } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import envPaths from 'env-paths';

const run = promisify(execFile);
const VERSION = '1.46.3';

/** Path of the `aws` command of PyPI's awscli, in an environment of its own in the cache; installed the first time. */
export async function findOrGetAws(say: (line: string) => void): Promise<string> {
  const folder = join(envPaths('temporal-medperf', { suffix: '' }).cache, `awscli-${VERSION}`);
  const command = join(folder, 'bin', 'aws');
  if (await works(command)) return command;
  say(`Installing awscli ${VERSION} for the bench (python3 -m venv, pip install) …`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await run('python3', ['-m', 'venv', folder]);
  await run(join(folder, 'bin', 'pip'), ['install', '--quiet', `awscli==${VERSION}`], { maxBuffer: 2 ** 26 });
  return command;
}

async function works(command: string): Promise<boolean> {
  return run(command, ['--version']).then(
    () => true,
    () => false,
  );
}
