import { execFile } from 'node:child_process';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { MedperfError } from '../contract';
import { readHostSpace } from '../store/host-space';
import type { OutputBound } from '../contract';
import type { ContainerUser } from './container-options';
import { requireSpace } from './host-space';
import { KeyedLock } from './keyed-lock';
import { outputImage } from './output-image';
import type { OutputLimits } from './output-image';

/** The number that Linux gives the host's own PID namespace; containers get others. */
const HOST_PID_NAMESPACE = 'pid:[4026531836]';
const SYSTEM_FOLDERS = '/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin';
/** The image is empty or thrown away: no journal, and nothing to prepare that is not used. */
const MKFS_OPTIONS = ['-q', '-F', '-m', '0', '-O', '^has_journal,^resize_inode'];
const MOUNT_OPTIONS = 'loop,nosuid,nodev,noatime,noinit_itable,errors=remount-ro';
/** Of an ext4 superblock, which begins at byte 1024: a field of 16 bits whose lowest two say `clean` and `has errors`. */
const STATE_OFFSET = 1024 + 0x3a;
const CLEAN = 1;

const run = promisify(execFile);

/**
 * Where runs write their outputs. Where this process may mount, a run's output folder is a file system of its own size, kept in
 * one sparse file beside the folder (`<root>.img`); elsewhere it is a plain folder, which has to be watched.
 */
export class OutputSpace {
  /** Finds out by really trying once whether file systems can be mounted; the folder must exist. */
  static async find(workDirectory: string): Promise<OutputSpace> {
    const mounting = new OutputSpace('filesystem');
    const works = (await onHost()) && (await mounting.works(workDirectory));
    return works ? mounting : new OutputSpace('watched');
  }

  private readonly locks = new KeyedLock();

  private constructor(readonly bound: OutputBound) {}

  /**
   * Makes the folder `root`, whose parent exists. Throws `EngineUnavailable` while the disk is nearly full or the system
   * refuses; whatever is there then goes with the parent, after {@link detach}.
   */
  async create(root: string, owner: ContainerUser, limits: OutputLimits): Promise<void> {
    const space = await readHostSpace(path.dirname(root));
    requireSpace(space, limits.outputBytes);
    await fs.mkdir(root);
    if (this.bound === 'filesystem') await this.locks.hold(root, () => make(root, owner, limits, space.totalBytes));
  }

  /**
   * Makes what {@link create} made usable again, after a reboot too; does nothing where it is. Throws `EngineUnavailable`
   * when the host went down without unmounting it: what was written may be lost, so the run has to be done anew.
   */
  async attach(root: string): Promise<void> {
    await this.locks.hold(root, async () => {
      if ((await isMounted(root)) || !(await isThere(imageOf(root)))) return;
      if (!(await isWhole(imageOf(root))))
        throw lost('The host went down before the outputs of the run were on its disk.');
      await mount(root);
    });
  }

  /**
   * To be called after the container's end, before its outputs are read: a disk that fills up below a file system loses what
   * programs believe written, and reading it back may give zeros. Throws `EngineUnavailable` then, also to later callers.
   */
  async settle(root: string): Promise<void> {
    await this.locks.hold(root, async () => {
      if (!(await isMounted(root))) return;
      const whole =
        (await isThere(imageOf(root))) &&
        (await command('sync', ['-f', root]).then(
          () => true,
          () => false,
        ));
      if (whole) return;
      // The kernel tells of it only once. The missing image tells the next one who asks, and gives the disk back.
      await fs.rm(imageOf(root), { force: true });
      throw lost("The disk of this host's work directory failed or was full, and outputs of the run are lost.");
    });
  }

  /** Makes the folder removable; does nothing where it is no mount or not there. */
  async detach(root: string): Promise<void> {
    await this.locks.hold(root, async () => {
      while (await isMounted(root)) {
        await command('umount', [root])
          .catch(() => command('umount', ['-l', root]))
          .catch((error: unknown) => {
            throw refusedBySystem('unmount', error, root);
          });
      }
    });
  }

  private async works(workDirectory: string): Promise<boolean> {
    let trial: string | undefined;
    try {
      trial = await fs.mkdtemp(path.join(workDirectory, 'mount-trial-'));
      const root = path.join(trial, 'out');
      await fs.mkdir(root);
      await make(root, { uid: 0, gid: 0 }, { outputBytes: 1, outputFiles: 1 }, Infinity);
      await this.settle(root);
      return await isMounted(root);
    } catch {
      return false;
    } finally {
      if (trial !== undefined) await this.clear(trial);
    }
  }

  private async clear(trial: string): Promise<void> {
    await this.detach(path.join(trial, 'out')).catch(() => undefined);
    await fs.rm(trial, { recursive: true, force: true }).catch(() => undefined);
  }
}

/**
 * A mount inside a container would not be seen by the daemon outside. Where this is not the host, or cannot be told, there
 * is no mount. Should it be judged wrong, Docker refuses to create the container, for want of the folder below the mount.
 */
async function onHost(): Promise<boolean> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  const namespaceOf = (which: string): Promise<string | null> => fs.readlink(`/proc/${which}`).catch(() => null);
  const [processes, own, first] = await Promise.all(['self/ns/pid', 'self/ns/mnt', '1/ns/mnt'].map(namespaceOf));
  // Security modules and missing capabilities may hide the first process; then the namespace of processes has to do.
  return processes === HOST_PID_NAMESPACE && (first === null || first === own);
}

async function make(root: string, owner: ContainerUser, limits: OutputLimits, mostBytes: number): Promise<void> {
  const image = imageOf(root);
  const { bytes, mkfsOptions } = outputImage(limits, mostBytes);
  const extended = `lazy_itable_init=1,nodiscard,root_owner=${owner.uid}:${owner.gid}`;
  try {
    const file = await fs.open(image, 'wx', 0o600);
    try {
      await file.truncate(bytes);
    } finally {
      await file.close();
    }
    await command('mkfs.ext4', [...MKFS_OPTIONS, ...mkfsOptions, '-E', extended, image]);
  } catch (error) {
    throw refusedBySystem('make a file system for', error, root);
  }
  await mount(root);
}

async function mount(root: string): Promise<void> {
  await command('mount', ['-t', 'ext4', '-o', MOUNT_OPTIONS, imageOf(root), root]).catch((error: unknown) => {
    throw refusedBySystem('mount', error, root);
  });
}

async function command(program: string, args: readonly string[]): Promise<string> {
  const { PATH } = process.env;
  const env = { LC_ALL: 'C', PATH: PATH === undefined ? SYSTEM_FOLDERS : `${PATH}:${SYSTEM_FOLDERS}` };
  return (await run(program, [...args], { env })).stdout;
}

function imageOf(root: string): string {
  return `${root}.img`;
}

async function isThere(file: string): Promise<boolean> {
  return fs.access(file).then(
    () => true,
    () => false,
  );
}

/** A mount of ours is on another device than the folder around it. */
async function isMounted(root: string): Promise<boolean> {
  try {
    const [own, around] = await Promise.all([fs.lstat(root), fs.lstat(path.dirname(root))]);
    return own.dev !== around.dev;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    throw error;
  }
}

/**
 * Whether nothing of it is lost. Unmounted here, it may live on for a moment where another process has a copy of this
 * host's mounts, as each container has at its start; a mount of its image then joins it.
 */
async function isWhole(image: string): Promise<boolean> {
  // Its end may come between the first two answers.
  return (await isClean(image)) || (await isInUse(image)) || (await isClean(image));
}

async function isInUse(image: string): Promise<boolean> {
  return (await command('losetup', ['--noheadings', '--output', 'NAME', '--associated', image])).trim() !== '';
}

/** Whether it was unmounted before the host went down: without a journal, ext4 marks itself unclean while it is mounted. */
async function isClean(image: string): Promise<boolean> {
  const file = await fs.open(image);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, STATE_OFFSET);
    return bytesRead === 2 && (buffer.readUInt16LE(0) & 0b11) === CLEAN;
  } finally {
    await file.close();
  }
}

function lost(what: string): MedperfError {
  return new MedperfError('EngineUnavailable', {
    what,
    next: 'Look after that disk; the task is run again by itself.',
  });
}

function refusedBySystem(doing: string, error: unknown, root: string): MedperfError {
  const { stderr, message } = error as { stderr?: string; message: string };
  const words = (stderr?.trim() ? stderr : message).replaceAll(path.dirname(root), '<scratch>');
  return new MedperfError(
    'EngineUnavailable',
    {
      what: `The host could not ${doing} the run's outputs.`,
      found: words.replace(/\s+/g, ' ').trim().slice(0, 300),
      next: "Check the host's disk and loop devices (losetup -l); the step is tried again by itself.",
    },
    { cause: error },
  );
}
