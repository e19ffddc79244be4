import type { Action } from '../contract';
import { checkMounts, containerOptions } from './container-options';
import type { RunRequest } from './engine';

const digest = (digit: string) => `sha256:${digit.repeat(64)}` as const;

function request(action: Partial<Action> = {}, changes: Partial<RunRequest> = {}): RunRequest {
  return {
    key: digest('a'),
    owner: 'workflow/run/step',
    labels: { purpose: 'test' },
    gpus: 0,
    limits: {
      memoryBytes: 1000,
      cpus: 8,
      pids: 10,
      wallClockMs: 1,
      outputBytes: 2000,
      outputFiles: 3,
      logBytes: 4000,
      tmpBytes: 5000,
      shmBytes: 6000,
    },
    signal: new AbortController().signal,
    onProgress: () => undefined,
    ...changes,
    action: {
      version: 1,
      imageId: digest('b'),
      entrypoint: null,
      command: ['infer'],
      environment: {},
      inputs: { '/z': digest('c'), '/a': digest('d') },
      outputs: { y: { mount: '/out/y' }, x: { mount: '/out/x' } },
      ...action,
    },
  };
}

const place = {
  host: 'h',
  hostCpus: 2,
  user: { uid: 7, gid: 8 },
  inputFolders: ['/scratch/in/0', '/scratch/in/1'],
  outputFolders: ['/scratch/out/0', '/scratch/out/1'],
};

describe('the options of a container', () => {
  it('close every door', () => {
    expect(containerOptions(request(), place)).toMatchObject({
      User: '7:8',
      HostConfig: {
        NetworkMode: 'none',
        IpcMode: 'private',
        ReadonlyRootfs: true,
        CapDrop: ['ALL'],
        SecurityOpt: ['no-new-privileges'],
        Memory: 1000,
        MemorySwap: 1000,
        NanoCpus: 2e9,
        PidsLimit: 10,
        ShmSize: 6000,
      },
    });
  });

  it('mount inputs read-only and outputs writable, each from its own folder', () => {
    const mounts = containerOptions(request(), place).HostConfig?.Mounts ?? [];
    expect(mounts.map(({ Source, Target, ReadOnly }) => [Source, Target, ReadOnly])).toEqual([
      ['/scratch/in/0', '/a', true],
      ['/scratch/in/1', '/z', true],
      ['/scratch/out/0', '/out/x', false],
      ['/scratch/out/1', '/out/y', false],
    ]);
  });

  it("leave the image's entrypoint alone unless the action names one", () => {
    expect(containerOptions(request(), place)).not.toHaveProperty('Entrypoint');
    expect(containerOptions(request({ entrypoint: ['/bin/run'] }), place).Entrypoint).toEqual(['/bin/run']);
  });

  it('ask for devices only when the run has GPUs', () => {
    expect(containerOptions(request(), place).HostConfig).not.toHaveProperty('DeviceRequests');
    const { HostConfig } = containerOptions(request({}, { gpus: 2 }), place);
    expect(HostConfig?.DeviceRequests).toEqual([expect.objectContaining({ Count: 2, Capabilities: [['gpu']] })]);
  });

  it('name the container by action and owner, and let no label of the request hide whose it is', () => {
    const forged = containerOptions(request({}, { labels: { 'org.temporal-medperf.key': 'forged' } }), place);
    expect(forged.Labels?.['org.temporal-medperf.key']).toBe(digest('a'));
    expect(forged.name).toMatch(/^medperf-aaaaaaaaaaaa-[0-9a-f]{12}$/);
    expect(containerOptions(request({}, { owner: 'other' }), place).name).not.toBe(forged.name);
  });

  it("set no variable but the action's own and a home", () => {
    expect(containerOptions(request({ environment: { A: '1' } }), place).Env).toEqual(['HOME=/tmp', 'A=1']);
    expect(containerOptions(request({ environment: { HOME: '/x' } }), place).Env).toEqual(['HOME=/x']);
  });
});

describe('mounts', () => {
  it.each(['/', 'relative', '/a/../b', '/a//b', '/proc', '/proc/1', '/sys/fs', '/dev/shm', '/a/'])(
    'may not be at %s',
    (at) => {
      expect(() => checkMounts(request({ inputs: { [at]: digest('c') } }))).toThrow(/mount/);
    },
  );

  it('may not share a target, nor name a file outside their folder', () => {
    expect(() => checkMounts(request({ outputs: { x: { mount: '/a' } } }))).toThrow(/once/);
    expect(() => checkMounts(request({ outputs: { x: { mount: '/x', file: '../y' } } }))).toThrow(/plain name/);
  });

  it('are accepted as cubes have them', () => {
    expect(() => checkMounts(request({ outputs: { x: { mount: '/mlcube_io1', file: 'scores.yaml' } } }))).not.toThrow();
  });
});
