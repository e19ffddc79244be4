import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import type { HostConfig } from 'dockerode';
import { Arena, readAttempts, readLog, succeeded } from './red-team/arena';
import type { Outcome } from './red-team/arena';
import { listen } from './red-team/listeners';
import type { Listeners } from './red-team/listeners';

let arena: Arena;
let listeners: Listeners;

beforeAll(async () => {
  arena = await Arena.open();
  listeners = await listen(arena.docker, arena.folder);
});

afterAll(async () => {
  await listeners.close();
  await arena.close();
});

const got = (outcome: Outcome, name: string) => outcome.attempts.get(name)?.did;

const ENVIRONMENT = ['HOME', 'HOSTNAME', 'NVIDIA_VISIBLE_DEVICES', 'PATH'];

it('gives no secret of the host away', async () => {
  const outcome = await arena.attack('reads-secrets');
  expect(outcome.log).not.toContain(arena.secret);
  const environment = JSON.parse(got(outcome, 'its own environment') ?? '') as Record<string, string>;
  expect(Object.keys(environment).sort()).toEqual(ENVIRONMENT);
  // Without the last, an image made for NVIDIA's runtime would be given every GPU of the host.
  expect(environment).toMatchObject({ HOME: '/tmp', HOSTNAME: 'medperf', NVIDIA_VISIBLE_DEVICES: 'void' });
  for (const place of ['/proc/self/environ', '/proc/1/environ']) {
    const names = [...(got(outcome, `read ${place}`) ?? '').matchAll(/^(\w+)=/gm)].map(([, name]) => name);
    expect(names.filter((name) => !ENVIRONMENT.includes(name ?? ''))).toEqual([]);
  }
  expect(succeeded(outcome).filter((name) => !/environ/.test(name))).toEqual([]);
  expect(outcome.attempts.size).toBe(15);
  expect(outcome.result?.exitCode).toBe(0);
});

it('shows it nothing of the host in /proc, /sys and /dev', async () => {
  const outcome = await arena.attack('reads-proc');
  expect(got(outcome, 'processes it sees')).toMatch(/^docker-init (node|MainThread)$/);
  expect(succeeded(outcome).filter((name) => !/ it sees$/.test(name))).toEqual([]);
  expect(outcome.attempts.size).toBe(41);
  expect(outcome.log).not.toContain(arena.secret);
  const writable = (got(outcome, 'mounts it sees') ?? '').matchAll(/^\S+ \S+ \S+ \S+ (\S+) rw\b/gm);
  expect([...writable].map(([, mount]) => mount).sort()).toEqual(expect.arrayContaining(['/tmp', '/mlcube_io2']));
});

it('leaves inputs, their blobs in the store and the image unchanged', async () => {
  const request = await arena.request(`${__dirname}/red-team/cubes/changes-inputs`, {});
  const tree = request.action.inputs['/mlcube_io1']!;
  const before = await arena.store.listDirectory(tree);
  const outcome = await arena.attack('changes-inputs');
  expect(succeeded(outcome)).toEqual([]);
  expect(outcome.attempts.size).toBe(20);
  for (const entry of Object.values(before)) {
    // Read with its hash compared.
    if (entry.kind === 'file') await arena.store.readBytes(entry.digest);
  }
  const blob = before['attack.js']!.digest.slice('sha256:'.length);
  const { mode, nlink } = await fs.stat(`${arena.folder}/store/blobs/${blob.slice(0, 2)}/${blob}`);
  expect({ mode: (mode & 0o7777).toString(8), nlink }).toEqual({ mode: '444', nlink: 1 });
});

/** Number of the attempts that `opens-sockets` makes. */
const KNOCKS = 12;

describe('the network', () => {
  it.each<[string, string[], HostConfig]>([
    ["the host's network", ['abstract', 'bridge', 'datagram', 'loopback'], { NetworkMode: 'host' }],
    ["Docker's bridge", ['bridge', 'datagram'], { NetworkMode: 'bridge' }],
  ])('is within reach of a container on %s, as a control', async (_, doors, network) => {
    listeners.heard.clear();
    const attempts = readAttempts(await unconfined('opens-sockets', listeners.facts, network));
    expect(attempts.size).toBe(KNOCKS);
    expect([...listeners.heard].sort()).toEqual(doors);
    expect(attempts.get('resolve a name')?.did).toBe('127.0.0.1');
  });

  it('is out of reach of a model', async () => {
    listeners.heard.clear();
    const outcome = await arena.attack('opens-sockets', listeners.facts);
    expect(got(outcome, 'interfaces it sees')).toBe('lo');
    expect(succeeded(outcome)).toEqual(['interfaces it sees']);
    expect(outcome.attempts.size).toBe(KNOCKS);
    expect([...listeners.heard]).toEqual([]);
  });
});

/** What the attacker reads of itself; `getuid` shows that its machine code works. */
const OWN_FACTS = 'getuid Uid Gid Groups CapInh CapPrm CapEff CapBnd CapAmb NoNewPrivs Seccomp'.split(' ');
/** Its first process is Docker's own small init, in its own namespace and with its own rights. */
const HARMLESS = ['ptrace its own first process'];
/** What Docker's own seccomp profile lets through until that version; docs/security.md says so. */
const ALLOWED_BEFORE_DOCKER_25 = ['io_uring_setup', 'socket to the hypervisor'];
const ASKED_OF_THE_KERNEL = 55;

const onX64 = process.arch === 'x64' ? it : it.skip;

onX64('gives it no right, whatever it asks of the kernel', async () => {
  const outcome = await arena.attack('gains-rights');
  const own = String(process.getuid!() === 0 ? 65_532 : process.getuid!());
  expect(got(outcome, 'getuid')).toBe(own);
  expect(got(outcome, 'Uid')).toBe([own, own, own, own].join('\t'));
  for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) expect(got(outcome, set)).toBe('0'.repeat(16));
  expect([got(outcome, 'NoNewPrivs'), got(outcome, 'Seccomp')]).toEqual(['1', '2']);
  const { Version: version } = await arena.docker.version();
  const byOldProfile = parseInt(version, 10) < 25 ? ALLOWED_BEFORE_DOCKER_25 : [];
  const more = succeeded(outcome).filter((name) => !byOldProfile.includes(name));
  expect(more.sort()).toEqual([...OWN_FACTS, ...HARMLESS].sort());
  expect(outcome.attempts.size).toBe(OWN_FACTS.length + ASKED_OF_THE_KERNEL);
});

/** The same program with the same inputs in a container that nothing but its network confines. */
async function unconfined(cube: string, facts: object, changes: HostConfig): Promise<string> {
  const { action } = await arena.request(`${__dirname}/red-team/cubes/${cube}`, facts);
  const folder = await fs.mkdtemp(path.join(arena.folder, 'control-'));
  const binds = await Promise.all(
    Object.entries(action.inputs).map(async ([mount, tree]) => {
      const source = path.join(folder, path.basename(mount));
      await arena.store.materialise(tree, source, 'copy');
      return `${source}:${mount}:ro`;
    }),
  );
  const container = await arena.docker.createContainer({
    Image: action.imageId,
    Entrypoint: [...action.entrypoint!],
    Cmd: [...action.command],
    HostConfig: { ...changes, Binds: binds },
  });
  try {
    await container.start();
    await container.wait();
    return await readLog(arena.docker, container.id);
  } finally {
    await container.remove({ force: true, v: true });
  }
}
