import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import Docker from 'dockerode';
import { eventually } from './medperf-stack';
import { ensureNodeImage } from './node-image';

const run = promisify(execFile);

export interface OwnDockerOptions {
  /** Containers survive the daemon. */
  readonly liveRestore?: boolean;
  /** Where images and containers lie; else in a folder of its own. */
  readonly dataRoot?: string;
  /** OCI runtimes by name; each is Docker's own runc. */
  readonly runtimes?: readonly string[];
}

/**
 * A Docker daemon that a test may stop and kill. It has folders, a socket and a network namespace of its own, since a second
 * daemon in one network namespace takes the first one's bridge away.
 */
export class OwnDockerDaemon {
  static async start(options: OwnDockerOptions = {}): Promise<OwnDockerDaemon> {
    const daemon = new OwnDockerDaemon(await mkdtemp(join(tmpdir(), 'own-docker-')), options);
    await shareMountsOf(daemon.dataRoot);
    await daemon.start();
    return daemon;
  }

  readonly socket: string;
  readonly docker: Docker;
  private process: ChildProcess | undefined;
  private output = '';

  private constructor(
    private readonly folder: string,
    private readonly options: OwnDockerOptions,
  ) {
    this.socket = join(folder, 'docker.sock');
    this.docker = new Docker({ socketPath: this.socket });
  }

  async start(): Promise<void> {
    const { liveRestore = false, runtimes = [] } = this.options;
    const process = spawn(
      'unshare',
      [
        ...['-n', 'dockerd', '--bridge=none', '--iptables=false', '--host', `unix://${this.socket}`],
        ...['--data-root', this.dataRoot, '--exec-root', this.execRoot, '--pidfile', this.pidFile],
        ...(liveRestore ? ['--live-restore'] : []),
        ...runtimes.flatMap((name) => ['--add-runtime', `${name}=runc`]),
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    this.process = process;
    process.stderr.setEncoding('utf8').on('data', (text: string) => (this.output = (this.output + text).slice(-4000)));
    const answers = (): Promise<boolean> =>
      this.docker.ping().then(
        () => true,
        () => false,
      );
    const started = (): Promise<boolean> => {
      if ((process.exitCode ?? process.signalCode) !== null)
        throw new Error(`the test's own dockerd ended:\n${this.output}`);
      return answers();
    };
    await eventually(started, (is) => is);
  }

  /** Asks it to end, as an upgrade of the host's packages does. */
  async stop(): Promise<void> {
    await this.end('SIGTERM');
  }

  /** Ends it as a crash does, with its containerd, and clears away what a service manager would before it starts again. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
    const pidFile = join(this.execRoot, 'containerd', 'containerd.pid');
    const containerd = Number(await readFile(pidFile, 'utf8').catch(() => '0'));
    if (containerd > 0) await killed(containerd);
    await Promise.all([rm(this.pidFile, { force: true }), rm(pidFile, { force: true })]);
  }

  /** Id of the node image, which is brought here from the machine's own daemon. */
  async nodeImage(): Promise<{ reference: string; id: `sha256:${string}` }> {
    const { reference } = await ensureNodeImage(new Docker());
    await this.loadImages([reference]);
    return ensureNodeImage(this.docker);
  }

  /** Copies images from the machine's own daemon. */
  async loadImages(references: readonly string[]): Promise<void> {
    await run('sh', ['-c', 'docker save "$@" | docker --host "$OWN" load', 'load', ...references], {
      env: { ...process.env, OWN: `unix://${this.socket}` },
    });
  }

  /** Leaves no process, mount or file. */
  async close(): Promise<void> {
    if (this.process?.exitCode === null && this.process.signalCode === null) {
      const containers = await this.docker.listContainers({ all: true });
      await Promise.all(containers.map(({ Id }) => this.docker.getContainer(Id).remove({ force: true, v: true })));
      await this.kill();
    }
    for (const pid of await processesBelow(this.folder)) await killed(pid);
    const mounts = (await readFile('/proc/self/mounts', 'utf8')).split('\n').map((line) => line.split(' ')[1] ?? '');
    for (const mount of mounts.filter((place) => place.startsWith(`${this.folder}/`)).reverse()) {
      await run('umount', ['-l', mount]);
    }
    await rm(this.folder, { recursive: true, force: true });
  }

  private get dataRoot(): string {
    return this.options.dataRoot ?? join(this.folder, 'data');
  }

  private get execRoot(): string {
    return join(this.folder, 'exec');
  }

  private get pidFile(): string {
    return join(this.folder, 'docker.pid');
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const { process } = this;
    if (process === undefined || process.exitCode !== null || process.signalCode !== null) return;
    const exited = once(process, 'exit');
    process.kill(signal);
    await exited;
  }
}

/**
 * As on hosts with systemd. Where mounts are not shared, each daemon mounts its folder over itself, and one that starts again
 * cannot reach, and so never remove, what an ending one has mounted at the last moment.
 */
async function shareMountsOf(dataRoot: string): Promise<void> {
  await mkdir(dataRoot, { recursive: true });
  await run('mount', ['--bind', dataRoot, dataRoot]);
  await run('mount', ['--make-shared', dataRoot]);
}

/** Processes whose command line names the folder: the daemon's children, which outlive it. */
async function processesBelow(folder: string): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const commandLine = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    if (commandLine.includes(`${folder}/`)) found.push(pid);
  }
  return found;
}

async function killed(pid: number): Promise<void> {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    return;
  }
  await eventually(
    () =>
      readlink(`/proc/${pid}/exe`).then(
        () => true,
        () => false,
      ),
    (alive) => !alive,
  );
}
