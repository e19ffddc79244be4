import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readlinkSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { promisify } from 'node:util';
import Docker from 'dockerode';
import { OutputSpace } from '../engine/output-space';
import { eventually } from './medperf-stack';
import { ensureNodeImage } from './node-image';

const MIB = 1024 ** 2;
const OWNER = { uid: 65_532, gid: 65_532 };
const LIMITS = { outputBytes: 4 * MIB, outputFiles: 20 };
const run = promisify(execFile);

const docker = new Docker();
let image: string;
let space: OutputSpace;
let folder: string;
let root: string;

beforeAll(async () => {
  image = (await ensureNodeImage(docker)).reference;
  const work = await fs.mkdtemp(path.join(os.tmpdir(), 'medperf-space-'));
  space = await OutputSpace.find(work);
  expect(await fs.readdir(work)).toEqual([]);
  await fs.rmdir(work);
});

beforeEach(async () => {
  folder = await fs.mkdtemp(path.join(os.tmpdir(), 'medperf-space-'));
  root = path.join(folder, 'out');
});

afterEach(async () => {
  await space.detach(root);
  await fs.rm(folder, { recursive: true });
});

async function writable(at = root): Promise<string> {
  const output = path.join(at, '0');
  await fs.mkdir(output);
  await fs.chown(output, OWNER.uid, OWNER.gid);
  return output;
}

/** Runs a piece of JavaScript as the container's user, with the output at /out; returns what it printed. */
async function inContainer(output: string, script: string): Promise<string> {
  const { stdout } = await run('docker', [
    ...['run', '--rm', '--network', 'none', '--user', `${OWNER.uid}:${OWNER.gid}`, '-v', `${output}:/out`, image],
    ...['/bin/node', '-e', `const fs = require('node:fs'); ${script}`],
  ]);
  return stdout.trim();
}

const FILL = `const file = fs.openSync('/out/data', 'w'); let written = 0;
  try { while (written < 64e6) written += fs.writeSync(file, Buffer.alloc(65536, 1)); } catch (error) { console.log(error.code, written); }`;
const FILL_FILES = `let files = 0;
  try { while (files < 1000) { fs.writeFileSync('/out/' + files, 'x'); files++; } } catch (error) { console.log(error.code, files); }`;

async function refusal(script: string): Promise<[code: string, amount: number]> {
  const [code = '', amount] = (await inContainer(await writable(), script)).split(' ');
  return [code, Number(amount)];
}

/** Judged apart from what is tested, so that a wrong finding shows. */
const mayMount = process.getuid?.() === 0 && readlinkSync('/proc/self/ns/pid') === 'pid:[4026531836]';
const ifMounting = mayMount ? it : it.skip;

describe('a file system for the outputs of a run', () => {
  it('is found where root may mount', () => {
    expect(space.bound).toBe(mayMount ? 'filesystem' : 'watched');
  });

  ifMounting('takes all of a small limit and little more', async () => {
    await space.create(root, OWNER, LIMITS);
    const [code, written] = await refusal(FILL);
    expect(code).toBe('ENOSPC');
    expect(written).toBeGreaterThanOrEqual(LIMITS.outputBytes);
    expect(written).toBeLessThanOrEqual(LIMITS.outputBytes + 2 * MIB);
  });

  ifMounting('takes as many files as the limit says and few more', async () => {
    await space.create(root, OWNER, LIMITS);
    const [code, files] = await refusal(FILL_FILES);
    expect(code).toBe('ENOSPC');
    expect(files).toBeGreaterThanOrEqual(LIMITS.outputFiles);
    expect(files).toBeLessThanOrEqual(LIMITS.outputFiles + 64);
  });

  ifMounting.each([
    { outputBytes: 1, outputFiles: 1 },
    { outputBytes: MIB, outputFiles: 1_000_000 },
    { outputBytes: 130 * MIB, outputFiles: 5 },
    { outputBytes: 1024 * MIB, outputFiles: 100_000 },
    { outputBytes: 64 * 1024 * MIB, outputFiles: 1_000_000 },
    { outputBytes: 64 * 1024 * MIB, outputFiles: 1 },
  ])('has room for %o, by its own account', async (limits) => {
    await space.create(root, OWNER, limits);
    const { bavail, bsize, ffree } = await fs.statfs(root);
    expect(bavail * bsize).toBeGreaterThanOrEqual(limits.outputBytes);
    expect(bavail * bsize).toBeLessThanOrEqual(Math.max(limits.outputBytes * 1.2, limits.outputBytes + 8 * MIB));
    expect(ffree).toBeGreaterThanOrEqual(limits.outputFiles);
    // A file system for many bytes has some inodes in each of its groups.
    expect(ffree).toBeLessThanOrEqual(limits.outputFiles * 1.05 + 10_000);
    const { blocks } = await fs.stat(`${root}.img`);
    expect(blocks * 512).toBeLessThan(8 * MIB);
  });

  ifMounting('belongs to the container and refuses devices and foreign rights', async () => {
    await space.create(root, OWNER, LIMITS);
    const found = await run('findmnt', ['-no', 'OPTIONS', root]);
    expect(found.stdout).toMatch(/nosuid.*nodev/);
    expect(await fs.lstat(root)).toMatchObject(OWNER);
  });

  ifMounting('stays in place when the folder around it is renamed, and goes away once', async () => {
    await space.create(root, OWNER, LIMITS);
    await fs.writeFile(path.join(await writable(), 'kept'), 'yes');
    const moved = `${folder}-moved`;
    await fs.rename(folder, moved);
    const movedRoot = path.join(moved, 'out');
    expect(await inContainer(path.join(movedRoot, '0'), `console.log(fs.readFileSync('/out/kept', 'utf8'))`)).toBe(
      'yes',
    );
    await space.detach(movedRoot);
    await space.detach(movedRoot);
    expect(await fs.readdir(movedRoot)).toEqual([]);
    await fs.rm(moved, { recursive: true });
    await fs.mkdir(folder);
  });

  ifMounting('comes back after it was unmounted, and attaching twice mounts it once', async () => {
    await space.create(root, OWNER, LIMITS);
    await fs.writeFile(path.join(await writable(), 'kept'), 'yes');
    await space.detach(root);
    await Promise.all([space.attach(root), space.attach(root)]);
    expect(await fs.readFile(path.join(root, '0', 'kept'), 'utf8')).toBe('yes');
    const { stdout } = await run('findmnt', ['-no', 'TARGET', '--mountpoint', root]);
    expect(stdout.trim().split('\n')).toHaveLength(1);
  });

  ifMounting('comes back while a starting container still has its mount', async () => {
    await space.create(root, OWNER, LIMITS);
    const file = path.join(await writable(), 'kept');
    await fs.writeFile(file, 'yes');
    const copy = spawn('unshare', ['--mount', 'sh', '-c', 'echo copied; exec sleep 60'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await once(copy.stdout, 'data');
    await space.detach(root);
    await space.attach(root);
    expect(await fs.readFile(file, 'utf8')).toBe('yes');
    await fs.writeFile(file, 'still');
    copy.kill('SIGKILL');
    await once(copy, 'exit');
    await space.detach(root);
    await space.attach(root);
    expect(await fs.readFile(file, 'utf8')).toBe('still');
  });

  ifMounting('is not trusted after the host went down without unmounting it', async () => {
    await space.create(root, OWNER, LIMITS);
    await writable();
    await run('sync', ['-f', root]);
    const asAfterPowerCut = path.join(folder, 'again');
    await fs.mkdir(asAfterPowerCut);
    await fs.copyFile(`${root}.img`, `${asAfterPowerCut}.img`);
    await expect(space.attach(asAfterPowerCut)).rejects.toMatchObject({ type: 'EngineUnavailable' });
  });

  ifMounting('goes away under a program that still uses it', async () => {
    await space.create(root, OWNER, LIMITS);
    const file = await fs.open(path.join(await writable(), 'open'), 'w');
    await space.detach(root);
    await file.close();
    expect(await fs.readdir(root)).toEqual([]);
  });

  ifMounting('is made twenty times at once', async () => {
    const roots = Array.from({ length: 20 }, (_, at) => path.join(folder, `out-${at}`));
    await Promise.all(
      roots.map(async (each) => {
        await space.create(each, OWNER, LIMITS);
        await fs.writeFile(path.join(each, 'name'), each);
      }),
    );
    const names = await Promise.all(roots.map((each) => fs.readFile(path.join(each, 'name'), 'utf8')));
    expect(names).toEqual(roots);
    await Promise.all(roots.map((each) => space.detach(each)));
    // A container that starts at this moment has a copy of the mounts until it is set up.
    await eventually(
      async () => (await run('losetup', ['-a'])).stdout,
      (devices) => !devices.includes(folder),
    );
  });

  it('has nothing to attach, settle or detach where nothing was made', async () => {
    await space.attach(root);
    await space.settle(root);
    await space.detach(root);
    await fs.mkdir(root);
    await space.attach(root);
    await space.settle(root);
    await space.detach(root);
    expect(await fs.readdir(root)).toEqual([]);
  });
});

describe('a disk that is nearly full', () => {
  /** A disk of its own, of this many MiB. */
  async function onDisk(size: number, work: (disk: string) => Promise<void>): Promise<void> {
    const disk = path.join(folder, 'disk');
    await fs.mkdir(disk);
    await run('mount', ['-t', 'tmpfs', '-o', `size=${size}m`, 'tmpfs', disk]);
    try {
      await work(disk);
    } finally {
      await space.detach(path.join(disk, 'out'));
      await run('umount', ['-l', disk]);
    }
  }

  ifMounting('takes no new run', () =>
    onDisk(512, async (disk) => {
      const creating = space.create(path.join(disk, 'out'), OWNER, LIMITS);
      await expect(creating).rejects.toMatchObject({ type: 'EngineUnavailable' });
      await expect(creating).rejects.not.toThrow(folder);
      expect(await fs.readdir(disk)).toEqual([]);
    }),
  );

  ifMounting('never passes off lost outputs as written', () =>
    onDisk(1100, async (disk) => {
      const small = path.join(disk, 'out');
      await space.create(small, OWNER, { ...LIMITS, outputBytes: 256 * MIB });
      const fillers = await fs.open(path.join(disk, 'filler'), 'w');
      const { bavail, bsize } = await fs.statfs(disk);
      await run('fallocate', ['-l', String(bavail * bsize - 16 * MIB), path.join(disk, 'filler')]);
      await fillers.close();
      const data = path.join(await writable(small), 'data');
      // A kernel that writes back early tells the writer itself.
      const told = await fs.writeFile(data, Buffer.alloc(64 * MIB, 1)).then(
        () => false,
        (error: unknown) => ['EROFS', 'EIO'].includes((error as NodeJS.ErrnoException).code ?? ''),
      );
      if (told) return;
      await expect(space.settle(small)).rejects.toMatchObject({ type: 'EngineUnavailable' });
      await expect(space.settle(small)).rejects.toMatchObject({ type: 'EngineUnavailable' });
    }),
  );
});
