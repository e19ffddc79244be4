import fc from 'fast-check';
import { outputImage } from './output-image';

const MIB = 1024 ** 2;
const limits = fc.record({
  outputBytes: fc.integer({ min: 1, max: 2 ** 46 }),
  outputFiles: fc.integer({ min: 1, max: 2_000_000 }),
});

describe('the file system of a run', () => {
  it('holds what the limits allow and, inode tables apart, hardly more', () => {
    fc.assert(
      fc.property(limits, (wanted) => {
        const { bytes, inodes } = outputImage(wanted, Infinity);
        const forFiles = bytes - inodes * 256;
        expect(bytes % 4096).toBe(0);
        expect(inodes).toBeGreaterThan(wanted.outputFiles);
        expect(forFiles).toBeGreaterThan(wanted.outputBytes);
        const most = Math.max(wanted.outputBytes * 1.2, wanted.outputBytes + 4 * MIB);
        expect(forFiles).toBeLessThanOrEqual(most + inodes * 256 * 0.03);
      }),
    );
  });

  it('is never larger than the disk below it', () => {
    const image = outputImage({ outputBytes: 2 ** 50, outputFiles: 10 }, 100 * MIB);
    expect(image.bytes).toBe(100 * MIB);
  });
});
