import type { Action } from '../contract';
import { checkMounts, containerOptions } from './container-options';
import type { RunRequest } from './engine';
import type { Gpu } from './gpu-inventory';

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
      idleMs: 1,
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
  imageVolumes: [],
  gpus: [],
};

function gpu(uuid: string, attach: boolean): Gpu {
  return { uuid, index: 0, name: 'test', memoryBytes: 1, driver: '1', computeCapability: '9.0', attach };
}

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

  it('mount single files by themselves, read from their place and written in their folder', () => {
    const action: Partial<Action> = {
      inputFiles: { '/p/parameters.yaml': digest('e') },
      outputs: { x: { mount: '/out/x.yaml', touched: true } },
    };
    const places = { ...place, inputFolders: ['0', '1', '2'].map((at) => `/scratch/in/${at}`) };
    const mounts = containerOptions(request(action), places).HostConfig?.Mounts ?? [];
    expect(mounts.map(({ Source, Target, ReadOnly }) => [Source, Target, ReadOnly])).toEqual([
      ['/scratch/in/0', '/a', true],
      ['/scratch/in/1', '/p/parameters.yaml', true],
      ['/scratch/in/2', '/z', true],
      ['/scratch/out/0/x.yaml', '/out/x.yaml', false],
    ]);
  });

  it("leave the image's entrypoint alone unless the action names one", () => {
    expect(containerOptions(request(), place)).not.toHaveProperty('Entrypoint');
    expect(containerOptions(request({ entrypoint: ['/bin/run'] }), place).Entrypoint).toEqual(['/bin/run']);
  });

  it('ask for exactly the leased devices, and keep an image from asking for all', () => {
    expect(containerOptions(request(), place).HostConfig).not.toHaveProperty('DeviceRequests');
    expect(containerOptions(request(), place).Env).toContain('NVIDIA_VISIBLE_DEVICES=void');
    const leased = containerOptions(request(), { ...place, gpus: [gpu('GPU-1', true), gpu('GPU-2', true)] });
    expect(leased.HostConfig?.DeviceRequests).toEqual([expect.objectContaining({ DeviceIDs: ['GPU-1', 'GPU-2'] })]);
    expect(leased.Labels?.['org.temporal-medperf.gpus']).toBe('GPU-1,GPU-2');
  });

  it("lease GPUs that the operator listed without a device of Docker's", () => {
    const listed = containerOptions(request(), { ...place, gpus: [gpu('left', false)] });
    expect(listed.HostConfig).not.toHaveProperty('DeviceRequests');
    expect(listed.Labels?.['org.temporal-medperf.gpus']).toBe('left');
  });

  it("leave no volume of the image's own writable without bound", () => {
    const mounts = containerOptions(request(), { ...place, imageVolumes: ['/data', '/out', '/a'] }).HostConfig?.Mounts;
    expect(mounts?.filter(({ Type }) => Type !== 'bind')).toEqual([
      expect.objectContaining({
        Type: 'volume',
        Source: expect.stringMatching(/^medperf-a{12}-[0-9a-f]{12}-volume-0$/) as unknown,
        Target: '/data',
        ReadOnly: true,
      }),
      expect.objectContaining({
        Type: 'tmpfs',
        Target: '/out',
        TmpfsOptions: expect.objectContaining({ SizeBytes: 5000 }) as unknown,
      }),
    ]);
    expect(mounts?.filter(({ Target }) => Target === '/a')).toHaveLength(1);
  });

  it('name the container by action and owner, and let no label of the request hide whose it is', () => {
    const forged = containerOptions(request({}, { labels: { 'org.temporal-medperf.key': 'forged' } }), place);
    expect(forged.Labels?.['org.temporal-medperf.key']).toBe(digest('a'));
    expect(forged.name).toMatch(/^medperf-aaaaaaaaaaaa-[0-9a-f]{12}$/);
    expect(containerOptions(request({}, { owner: 'other' }), place).name).not.toBe(forged.name);
  });

  it("set no variable but the action's own and a home", () => {
    expect(containerOptions(request({ environment: { A: '1' } }), place).Env).toEqual([
      'HOME=/tmp',
      'A=1',
      'NVIDIA_VISIBLE_DEVICES=void',
    ]);
    expect(containerOptions(request({ environment: { HOME: '/x' } }), place).Env).toEqual([
      'HOME=/x',
      'NVIDIA_VISIBLE_DEVICES=void',
    ]);
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
    expect(() => checkMounts(request({ inputFiles: { '/a': digest('e') } }))).toThrow(/once/);
    expect(() => checkMounts(request({ outputs: { x: { mount: '/x', file: '../y' } } }))).toThrow(/plain name/);
  });

  it('are accepted as cubes have them', () => {
    expect(() => checkMounts(request({ outputs: { x: { mount: '/mlcube_io1', file: 'scores.yaml' } } }))).not.toThrow();
  });
});
