import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import Docker from 'dockerode';
import { LABELS } from '../engine/container-name';
import { DockerEngine } from '../engine/docker-engine';
import type { RunRequest } from '../engine/engine';
import type { GpuSource } from '../engine/gpu-inventory';
import { logTail } from '../engine/log-tail';
import { FileStore } from '../store/file-store';
import { eventually } from './medperf-stack';
import { ensureNodeImage } from './node-image';
import { scriptedRun } from './scripted-run';
import type { RunChanges } from './scripted-run';

const LISTED = ['north', 'east', 'south', 'west'].map((uuid) => ({
  uuid,
  name: 'listed',
  memoryBytes: 0,
  driver: '',
  computeCapability: '',
}));
/** Until a file appears beside the outputs. */
const WAITS = `const wait = () => fs.existsSync('/out/go') || setTimeout(wait, 20); console.log('works'); wait();`;

const docker = new Docker();
let folder: string;
let store: FileStore;
let imageId: `sha256:${string}`;
let engine: DockerEngine;
const ran: RunRequest[] = [];

beforeAll(async () => {
  folder = await fs.mkdtemp(path.join(os.tmpdir(), 'medperf-gpus-'));
  store = new FileStore(path.join(folder, 'store'));
  ({ id: imageId } = await ensureNodeImage(docker));
  engine = await connect(LISTED);
});

afterEach(async () => {
  for (const request of ran.splice(0)) await engine.release(request);
});

afterAll(async () => {
  await engine.close();
  await fs.rm(folder, { recursive: true, force: true });
});

function connect(gpus: GpuSource): Promise<DockerEngine> {
  return DockerEngine.connect({ docker, store, workDirectory: path.join(folder, 'work'), gpus });
}

function request(script: string, gpus: number, changes: RunChanges = {}): RunRequest {
  const labels = { 'org.temporal-medperf.test': folder };
  const made = scriptedRun({ imageId, owner: `${folder} ${ran.length}` }, script, { labels, gpus, ...changes });
  ran.push(made);
  return made;
}

/** Devices of the containers that run, as their labels say. */
async function heldNow(): Promise<string[]> {
  const filters = { label: [`org.temporal-medperf.test=${folder}`], status: ['running'] };
  const listed = await docker.listContainers({ filters });
  return listed.flatMap(({ Labels }) => (Labels[LABELS.gpus] ?? '').split(',').filter((uuid) => uuid !== ''));
}

/** Lets those end that run now. */
async function letGo(): Promise<void> {
  const filters = { label: [`org.temporal-medperf.test=${folder}`], status: ['running'] };
  for (const { Names } of await docker.listContainers({ filters })) {
    await fs.writeFile(path.join(folder, 'work', Names[0] ?? '', 'out', '0', 'go'), '');
  }
}

describe('GPUs that the operator listed', () => {
  it('are given to one container at a time, and waited for without keeping CPU tasks from running', async () => {
    const told: string[] = [];
    const onProgress: RunRequest['onProgress'] = ({ message }) => {
      if (message !== undefined) told.push(message);
    };
    const first = engine.run(request(WAITS, 3));
    await eventually(heldNow, (held) => held.length === 3);
    const second = engine.run(request(WAITS, 2, { onProgress }));
    await eventually(
      () => Promise.resolve(told),
      (messages) => messages.length > 0,
    );
    expect(told.at(-1)).toBe('waits for 2 GPU(s): 1 free, 0 task(s) ahead');
    expect((await engine.run(request('', 0))).exitCode).toBe(0);
    expect(await heldNow()).toHaveLength(3);
    await letGo();
    const { resources } = await first;
    expect(resources.gpuSeconds).toBeCloseTo(3 * resources.wallSeconds);
    await eventually(heldNow, (held) => held.length === 2);
    await letGo();
    await second;
  });

  it('are never with two containers, whatever tasks come', async () => {
    const runs = [1, 2, 4, 1, 2, 4, 1, 1].map((gpus) => engine.run(request('setTimeout(() => 0, 200)', gpus)));
    const ended = Promise.all(runs);
    let over = false;
    void ended.finally(() => (over = true));
    let most = 0;
    await eventually(heldNow, (held) => {
      expect(new Set(held).size).toBe(held.length);
      most = Math.max(most, held.length);
      return over;
    });
    expect((await ended).map(({ exitCode }) => exitCode)).toEqual(runs.map(() => 0));
    expect(most).toBe(4);
  });

  it('stay with a container whose worker is gone, and the next worker knows', async () => {
    const held = request(WAITS, 4);
    const leaving = await connect(LISTED);
    const left = leaving.run(held);
    await eventually(heldNow, (uuids) => uuids.length === 4);
    await leaving.close();
    await expect(left).rejects.toMatchObject({ type: 'EngineUnavailable' });

    const told: string[] = [];
    const onProgress: RunRequest['onProgress'] = ({ message }) => {
      if (message !== undefined) told.push(message);
    };
    const waiting = engine.run(request('', 1, { onProgress }));
    await eventually(
      () => Promise.resolve(told),
      (messages) => messages.some((message) => message.includes('0 free')),
    );
    const again = engine.run(held);
    await letGo();
    expect((await again).exitCode).toBe(0);
    expect((await waiting).exitCode).toBe(0);
  });

  it('are asked for in vain where there are not as many, at once; and not waited for by who is cancelled', async () => {
    await expect(engine.run(request('', 5))).rejects.toMatchObject({
      type: 'InvalidRequest',
      message: expect.stringMatching(/at most 4.*5/s) as unknown,
    });
    const first = engine.run(request(WAITS, 4));
    await eventually(heldNow, (held) => held.length === 4);
    const cancel = new AbortController();
    const cancelled = engine.run(request('', 1, { signal: cancel.signal }));
    cancel.abort(new Error('cancelled'));
    await expect(cancelled).rejects.toThrow('cancelled');
    await letGo();
    await first;
  });
});

/** Where a GPU and NVIDIA's container toolkit are found, a container is given one and sees no other. */
const onGpu = hasGpu() ? it : it.skip;

onGpu('a leased GPU is the only one that the container sees', async () => {
  const found = execFileSync('nvidia-smi', ['--query-gpu=uuid', '--format=csv,noheader'], { encoding: 'utf8' });
  const withGpus = await connect('detect');
  const script = `console.log(require('node:child_process').execFileSync('nvidia-smi', ['-L'], { encoding: 'utf8' }));`;
  const { exitCode, log } = await withGpus.run(request(script, 1));
  const seen = (await logTail(store, log.digest)).join('\n').match(/GPU-[\w-]+/g) ?? [];
  expect([exitCode, seen.length]).toEqual([0, 1]);
  expect(found).toContain(seen[0]);
  await withGpus.close();
});

function hasGpu(): boolean {
  try {
    execFileSync('nvidia-smi', ['-L'], { stdio: 'ignore' });
    execFileSync('nvidia-container-cli', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
