import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { FileStore } from '../store/file-store';
import { recordDuration, usualSeconds } from './usual-duration';

const timed = { imageId: `sha256:${'a'.repeat(64)}`, task: 'infer' } as const;

it('knows the median of the last nine runs of the same task and image', async () => {
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'medperf-duration-'));
  try {
    const store = new FileStore(folder);
    expect(await usualSeconds(store, timed)).toBeUndefined();
    for (const seconds of [1000, 1000, 1000, 1000, 1000, 1000, 9, 1, 2, 8, 3, 7, 4, 6, 5]) {
      await recordDuration(store, timed, seconds);
    }
    expect(await usualSeconds(store, timed)).toBe(5);
    expect(await usualSeconds(store, { ...timed, task: 'evaluate' })).toBeUndefined();
  } finally {
    await fs.rm(folder, { recursive: true });
  }
});
