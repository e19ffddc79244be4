import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { getOnce } from '../devstack/setup/cached-program';
import { onPath } from '../devstack/setup/found-programs';
import { freePort } from './free-port';
import { eventually } from './medperf-stack';

const run = promisify(execFile);
const PROGRAM = 'docker-registry';

export const REGISTRY_USER = { username: 'pusher', password: 'test' } as const;
/** As `htpasswd -B` writes the user above; the registry takes bcrypt only. */
const HTPASSWD = `${REGISTRY_USER.username}:$2b$05$abcdefghijklmnopqrstuuMceFj4VbmHOj8C7PetMxzZkwre/z.Ri\n`;

/** Debian's `docker-registry` on the loopback address, with an empty folder of its own. */
export class ImageRegistry {
  static async start(options: { readonly signIn?: boolean } = {}): Promise<ImageRegistry> {
    const registry = new ImageRegistry(await mkdtemp(join(tmpdir(), 'image-registry-')), await freePort());
    await registry.start(options.signIn === true);
    return registry;
  }

  readonly host: string;
  private process: ChildProcess | undefined;
  private output = '';

  private constructor(
    private readonly folder: string,
    port: number,
  ) {
    this.host = `127.0.0.1:${port}`;
  }

  async stop(): Promise<void> {
    if (this.process?.exitCode === null && this.process.signalCode === null) {
      const exited = once(this.process, 'exit');
      this.process.kill('SIGKILL');
      await exited;
    }
    await rm(this.folder, { recursive: true, force: true });
  }

  private async start(signIn: boolean): Promise<void> {
    const password = join(this.folder, 'htpasswd');
    const config = join(this.folder, 'config.yml');
    await writeFile(password, HTPASSWD);
    const settings = {
      version: 0.1,
      log: { level: 'error' },
      storage: { filesystem: { rootdirectory: join(this.folder, 'data') }, delete: { enabled: true } },
      http: { addr: this.host },
      ...(signIn ? { auth: { htpasswd: { realm: 'test', path: password } } } : {}),
    };
    await writeFile(config, JSON.stringify(settings));
    const program = await getImageRegistry(() => undefined);
    const process = spawn(program, ['serve', config], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.process = process;
    process.stderr.setEncoding('utf8').on('data', (text: string) => (this.output = (this.output + text).slice(-4000)));
    process.on('error', (error) => (this.output = error.message));
    await eventually(
      async () => {
        const ended = process.exitCode ?? process.signalCode;
        if (ended !== null || process.pid === undefined)
          throw new Error(`${PROGRAM} (${ended ?? 'no start'}): ${this.output}`);
        return (await fetch(`http://${this.host}/v2/`).catch(() => null))?.status ?? 0;
      },
      (status) => status === (signIn ? 401 : 200),
    );
  }
}

/**
 * Sees that `docker-registry` is there, on Debian by unpacking its package: installed, it would begin to serve on every
 * address of the machine. @throws Error saying what to do where it cannot be had.
 */
export async function getImageRegistry(say: (line: string) => void): Promise<string> {
  const found = await onPath(PROGRAM);
  if (found !== null) return found;
  return getOnce({ name: PROGRAM, file: PROGRAM, title: 'an image registry for the tests' }, say, async (folder) => {
    say(`Getting an image registry for the tests (apt-get download ${PROGRAM}) …`);
    try {
      await unpackProgram(folder);
    } catch (error) {
      const words = error instanceof Error ? error.message.trim().split('\n').slice(-3).join(' ') : String(error);
      throw new Error(
        `The tests of image registries need the program ${PROGRAM}, and it could not be had (${words}). ` +
          `Put the one of Debian's package ${PROGRAM}, or the CNCF distribution's "registry", on the PATH under that name.`,
        { cause: error },
      );
    }
  });
}

async function unpackProgram(folder: string): Promise<void> {
  const download = await mkdtemp(join(tmpdir(), 'image-registry-package-'));
  try {
    await run('apt-get', ['update'], { maxBuffer: 2 ** 26 });
    await run('apt-get', ['download', PROGRAM], { cwd: download, maxBuffer: 2 ** 26 });
    const [file = ''] = await readdir(download);
    const unpacked = join(download, 'unpacked');
    await run('dpkg-deb', ['--extract', join(download, file), unpacked]);
    await copyFile(join(unpacked, 'usr', 'bin', PROGRAM), join(folder, PROGRAM));
  } finally {
    await rm(download, { recursive: true, force: true });
  }
}
