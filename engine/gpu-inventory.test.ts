import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { GpuSourceSchema, readGpus } from './gpu-inventory';

describe('the GPUs of a host', () => {
  const before = process.env['PATH'];
  let folder: string;

  beforeEach(async () => {
    folder = await fs.mkdtemp(path.join(os.tmpdir(), 'medperf-nvidia-smi-'));
    process.env['PATH'] = folder;
  });

  afterEach(async () => {
    process.env['PATH'] = before;
    await fs.rm(folder, { recursive: true });
  });

  /** Puts a program in the place of `nvidia-smi`; it finds what it was asked for in `$1`. */
  async function nvidiaSmi(script: string): Promise<void> {
    await fs.writeFile(path.join(folder, 'nvidia-smi'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }

  it('are those that nvidia-smi names', async () => {
    await nvidiaSmi(`echo '0, GPU-5f0c, 143771, 570.86.15, 9.0, NVIDIA H200'
echo '1, GPU-77aa, 143771, 570.86.15, 9.0, NVIDIA H200, of a kind'`);
    expect(await readGpus('detect')).toEqual([
      {
        uuid: 'GPU-5f0c',
        index: 0,
        name: 'NVIDIA H200',
        memoryBytes: 143_771 * 1024 ** 2,
        driver: '570.86.15',
        computeCapability: '9.0',
        attach: true,
      },
      expect.objectContaining({ uuid: 'GPU-77aa', index: 1, name: 'NVIDIA H200, of a kind' }),
    ]);
  });

  it('are found with a driver that does not know the compute capability', async () => {
    await nvidiaSmi(`case "$1" in *compute_cap*) echo 'Field "compute_cap" is not a valid field to query.'; exit 2;; esac
echo '0, GPU-0001, 16160, 418.40, Tesla V100'`);
    expect(await readGpus('detect')).toEqual([
      expect.objectContaining({ uuid: 'GPU-0001', computeCapability: '', name: 'Tesla V100', driver: '418.40' }),
    ]);
  });

  it('are none without the program, where it finds none, or where it talks of something else', async () => {
    expect(await readGpus('detect')).toEqual([]);
    await nvidiaSmi(`echo 'No devices were found'; exit 6`);
    expect(await readGpus('detect')).toEqual([]);
    await nvidiaSmi(`echo 'No devices were found'; echo; echo 'a, b, c, d, e, f'`);
    expect(await readGpus('detect')).toEqual([]);
    expect(await readGpus('none')).toEqual([]);
  });

  it('are not taken for none where the program fails', async () => {
    await nvidiaSmi(`echo 'NVIDIA-SMI has failed because it could not communicate with the NVIDIA driver.'; exit 9`);
    await expect(readGpus('detect')).rejects.toMatchObject({
      type: 'EngineUnavailable',
      facts: {
        found: expect.stringContaining('could not communicate with the NVIDIA driver') as string,
        next: expect.stringContaining('gpus: none') as string,
      },
    });
    expect(await readGpus('none')).toEqual([]);
  });

  it('are listed by the operator where there is nothing to find', async () => {
    const listed = GpuSourceSchema.parse([{ uuid: 'left', memoryBytes: 1024 }, { uuid: 'right' }]);
    expect(await readGpus(listed)).toEqual([
      { uuid: 'left', index: 0, name: 'listed', memoryBytes: 1024, driver: '', computeCapability: '', attach: false },
      expect.objectContaining({ uuid: 'right', index: 1 }),
    ]);
    for (const wrong of [
      [{ uuid: 'a,b' }],
      [{ uuid: '' }],
      [{ uuid: 'a' }, { uuid: 'a' }],
      [{}],
      'all',
      [{ uuid: 'a', more: 1 }],
    ]) {
      expect(GpuSourceSchema.safeParse(wrong).success).toBe(false);
    }
  });
});
