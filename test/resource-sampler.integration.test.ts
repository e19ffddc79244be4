import { execFile } from 'node:child_process';
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { promisify } from 'node:util';
import Docker from 'dockerode';
import { ResourceSampler } from '../engine/resource-sampler';
import type { Exceeded, SamplerParts } from '../engine/resource-sampler';
import { ScratchFolder } from '../engine/scratch-folder';
import { ensureNodeImage } from './node-image';

const LIMITS = { idleMs: 60_000, outputBytes: 1_000_000, outputFiles: 20 };
const USER = process.getuid?.() === 0 ? { uid: 65_532, gid: 65_532 } : os.userInfo();

const run = promisify(execFile);
const docker = new Docker();
let image: string;
let scratch: string;
let outputs: string;
let container: Docker.Container | undefined;

beforeAll(async () => {
  image = (await ensureNodeImage(docker)).reference;
});

beforeEach(async () => {
  scratch = await fs.mkdtemp(path.join(os.tmpdir(), 'medperf-sampler-'));
  outputs = path.join(scratch, 'run', 'out', '0');
  await fs.mkdir(path.join(scratch, 'run', 'facts'), { recursive: true });
  await fs.mkdir(outputs, { recursive: true });
  if (process.getuid?.() === 0) await fs.chown(outputs, USER.uid, USER.gid);
});

afterEach(async () => {
  await container?.remove({ force: true });
  container = undefined;
  await fs.rm(scratch, { recursive: true });
});

async function start(script: string): Promise<Docker.Container> {
  container = await docker.createContainer({
    Image: image,
    Entrypoint: ['/bin/node', '-e', `const fs = require('node:fs'); ${script}`],
    User: `${USER.uid}:${USER.gid}`,
    HostConfig: { NetworkMode: 'none', Binds: [`${outputs}:/out`] },
  });
  await container.start();
  return container;
}

function samplerOf(running: Docker.Container, changes: Partial<SamplerParts> = {}): ResourceSampler {
  const folder = new ScratchFolder(scratch, 'run');
  return new ResourceSampler({
    container: running,
    folder,
    outputFolders: [outputs],
    limits: LIMITS,
    watchOutputs: true,
    ...changes,
  });
}

/** What is exceeded first; null when the container ended, or was let go of, before. */
async function exceededBy(running: Docker.Container, sampler: ResourceSampler): Promise<Exceeded | null> {
  const watch = new AbortController();
  const seen: Exceeded[] = [];
  void running.wait().then(
    () => watch.abort(),
    () => watch.abort(),
  );
  await sampler.run({ signal: watch.signal, lastLogAt: () => 0, onExceeded: (which) => seen.push(which) });
  expect(seen.length).toBeLessThanOrEqual(1);
  return seen[0] ?? null;
}

/** Ends itself after some seconds, should nobody end it. */
const LINGER = `setTimeout(() => process.exit(), 30_000);`;

describe('watching a container', () => {
  it('finds what it took, and a later sampler goes on from there', async () => {
    const running = await start(
      `const held = Buffer.alloc(64e6, 1); fs.writeFileSync('/out/data', Buffer.alloc(3e5));
       for (const end = Date.now() + 2500; Date.now() < end; );`,
    );
    const sampler = samplerOf(running);
    expect(await sampler.use()).toEqual({ cpuSeconds: 0, peakMemoryBytes: 0, readBytes: 0, writtenBytes: 0 });
    expect(await exceededBy(running, sampler)).toBeNull();
    const use = await sampler.use();
    expect(use.cpuSeconds).toBeGreaterThan(0.3);
    expect(use.peakMemoryBytes).toBeGreaterThan(64e6);
    expect(use.writtenBytes).toBeGreaterThanOrEqual(3e5);

    // The container has ended: nothing more can be learnt, and nothing is forgotten.
    const later = samplerOf(running);
    expect(await later.use()).toEqual(use);
    await exceededBy(running, later);
    expect(await later.use()).toEqual(use);
  });

  it.each<[Exceeded, string, Partial<SamplerParts['limits']>]>([
    ['idle', '', { idleMs: 1500 }],
    ['outputBytes', `for (let n = 0; n < 5; n++) fs.writeFileSync('/out/' + n, Buffer.alloc(3e5));`, {}],
    ['outputFiles', `for (let n = 0; n < 30; n++) fs.writeFileSync('/out/' + n, '');`, {}],
  ])('tells once that it exceeds: %s', async (which, script, limits) => {
    const running = await start(`${script} ${LINGER}`);
    const sampler = samplerOf(running, { limits: { ...LIMITS, ...limits } });
    expect(await exceededBy(running, sampler)).toBe(which);
  });

  it.each([
    ['prints', ``],
    ['computes', `setInterval(() => { for (const end = Date.now() + 50; Date.now() < end; ); }, 200);`],
    ['writes', `setInterval(() => fs.appendFileSync('/out/data', 'x'), 300);`],
  ])('does not take one for idle that %s', async (sign, script) => {
    const running = await start(`${script} setTimeout(() => process.exit(), 5000);`);
    const sampler = samplerOf(running, { limits: { ...LIMITS, idleMs: 3000 } });
    const watch = new AbortController();
    void running.wait().then(() => watch.abort());
    let lines = 0;
    const seen: Exceeded[] = [];
    await sampler.run({
      signal: watch.signal,
      lastLogAt: () => (sign === 'prints' ? ++lines : 0),
      onExceeded: (which) => seen.push(which),
    });
    expect(seen).toEqual([]);
  });

  (process.getuid?.() === 0 ? it : it.skip)('ends one that goes on writing to a disk that is nearly full', async () => {
    // Too small to have what a host keeps in reserve.
    await run('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', scratch]);
    try {
      await fs.mkdir(outputs, { recursive: true });
      await fs.chown(outputs, USER.uid, USER.gid);
      const running = await start(`setInterval(() => fs.appendFileSync('/out/data', 'x'), 100); ${LINGER}`);
      expect(await exceededBy(running, samplerOf(running))).toBe('hostDisk');
      await running.remove({ force: true });
      container = undefined;
    } finally {
      await run('umount', ['-l', scratch]);
    }
  });

  it('leaves the outputs alone where a file system bounds them', async () => {
    const running = await start(
      `for (let n = 0; n < 30; n++) fs.writeFileSync('/out/' + n, Buffer.alloc(1e5)); setTimeout(() => process.exit(), 2000);`,
    );
    expect(await exceededBy(running, samplerOf(running, { watchOutputs: false }))).toBeNull();
  });

  it('lets go at once when it is told to, also while Docker is slow to answer', async () => {
    const running = await start(LINGER);
    const watch = new AbortController();
    const ask = running.stats.bind(running);
    const asked = new Promise<void>((resolve) => {
      running.stats = ((options: Parameters<typeof ask>[0]) => {
        setImmediate(resolve);
        return ask(options);
      }) as typeof running.stats;
    });
    // Docker answers at most once a second, so that the sampler's own question has to wait.
    const first = ask({ stream: false, 'one-shot': true });
    const sampling = samplerOf(running).run({ signal: watch.signal, lastLogAt: () => 0, onExceeded: () => undefined });
    await asked;
    watch.abort();
    await sampling;
    await first;
  });

  it('goes on where the daemon does not know the container', async () => {
    await fs.writeFile(path.join(outputs, 'large'), Buffer.alloc(2e6));
    const sampler = samplerOf(docker.getContainer('medperf-test-absent'));
    const seen: Exceeded[] = [];
    const { signal } = new AbortController();
    await sampler.run({ signal, lastLogAt: () => 0, onExceeded: (which) => seen.push(which) });
    expect(seen).toEqual(['outputBytes']);
  });
});
