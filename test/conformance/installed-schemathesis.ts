import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import envPaths from 'env-paths';
import { MedperfError } from '../../contract';
import { isExecutable } from '../../devstack/setup/found-programs';

const run = promisify(execFile);
const VERSION = '4.32.5';
const OLDEST_PYTHON = [3, 11];

/**
 * Path of schemathesis, which is installed once by pip into a virtual environment of this user's cache.
 * @throws MedperfError without a Python that is new enough, or when pip cannot install it.
 */
export async function installedSchemathesis(log: (line: string) => void): Promise<string> {
  const folder = join(envPaths('temporal-medperf', { suffix: '' }).cache, `schemathesis-${VERSION}`);
  const program = join(folder, 'bin', 'schemathesis');
  // pip writes the program last, so it is whole where it is.
  if (await isExecutable(program)) return program;
  await requirePython();
  log(`Installing schemathesis ${VERSION} (pip), once …`);
  try {
    await run('python3', ['-m', 'venv', '--clear', folder]);
    await run(join(folder, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', `schemathesis==${VERSION}`]);
  } catch (cause) {
    throw new MedperfError(
      'InvalidRequest',
      {
        what: `schemathesis ${VERSION} cannot be installed.`,
        found: cause instanceof Error ? cause.message.trim() : String(cause),
        next: 'Give pip access to its package index and Python its venv module, then start again.',
      },
      { cause },
    );
  }
  return program;
}

async function requirePython(): Promise<void> {
  const answer = await run('python3', ['--version']).catch(() => null);
  const [, major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(answer?.stdout ?? '') ?? []).map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_PYTHON;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  throw new MedperfError('InvalidRequest', {
    what: 'schemathesis needs Python.',
    expected: `python3 of version ${OLDEST_PYTHON.join('.')} or newer on the PATH`,
    found: answer === null ? 'no python3' : answer.stdout.trim(),
    next: 'Install Python and start again.',
  });
}
