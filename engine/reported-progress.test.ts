import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import * as fc from 'fast-check';
import { parseShare, PROGRESS_FILE, readProgressFile, reportedShare } from './reported-progress';

describe('progress that a cube prints', () => {
  it.each([
    ['progress: 37/200', 0.185],
    ['  PROGRESS :  18.5 % ', 0.185],
    ['Progress:300/200', 1],
    ['progress: 0/1', 0],
    ['progress: 1/0', null],
    ['progress: -1/5', null],
    ['progress: 3', null],
    ['progress: 1e3/1e4', null],
    ['my progress: 1/2', null],
    ['progress: 1/2 of the cases', null],
  ])('%s is %p', (line, share) => expect(reportedShare([line])).toBe(share));

  it('counts by its newest line', () => {
    expect(reportedShare(['progress: 1/4', 'progress: 2/4', 'epoch 3'])).toBe(0.5);
  });

  it('is between 0 and 1 or nothing, whatever is written', () => {
    const words = fc.array(fc.constantFrom('9', '0', '.', '/', '%', ' ', '-', 'e', '\t'), { maxLength: 40 });
    fc.assert(
      fc.property(words, (parts) => {
        const share = parseShare(parts.join(''));
        if (share === null) return;
        expect(share).toBeGreaterThanOrEqual(0);
        expect(share).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('the progress file', () => {
  let folder: string;
  let file: string;
  beforeEach(async () => {
    folder = await fs.mkdtemp(path.join(os.tmpdir(), 'medperf-progress-'));
    file = path.join(folder, PROGRESS_FILE);
  });
  afterEach(() => fs.rm(folder, { recursive: true }));

  it('is read by its first line', async () => {
    expect(await readProgressFile(folder)).toBeNull();
    await fs.writeFile(file, '37/200\nnoise');
    expect(await readProgressFile(folder)).toBe(0.185);
    await fs.writeFile(file, `50%${' '.repeat(1000)}`);
    expect(await readProgressFile(folder)).toBe(0.5);
    await fs.writeFile(file, 'half');
    expect(await readProgressFile(folder)).toBeNull();
  });

  it('is not read through a link, from a FIFO or from a folder', async () => {
    await fs.writeFile(path.join(folder, 'elsewhere'), '1/2');
    await fs.symlink('elsewhere', file);
    expect(await readProgressFile(folder)).toBeNull();
    await fs.rm(file);
    execFileSync('mkfifo', [file]);
    expect(await readProgressFile(folder)).toBeNull();
    await fs.rm(file);
    await fs.mkdir(file);
    expect(await readProgressFile(folder)).toBeNull();
  });
});
