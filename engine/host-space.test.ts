import { isNearlyFull, requireSpace } from './host-space';

const GIB = 1024 ** 3;

describe('the space of a host', () => {
  it.each([
    [10 * GIB, 1 * GIB],
    [100 * GIB, 5 * GIB],
    [10_000 * GIB, 10 * GIB],
  ])('of %d bytes takes runs while %d are free, and ends those that write at half of it', (totalBytes, reserved) => {
    expect(() => requireSpace({ totalBytes, freeBytes: reserved }, 64 * GIB)).not.toThrow();
    expect(() => requireSpace({ totalBytes, freeBytes: reserved - 1 }, 1)).toThrow(/nearly full/);
    expect(isNearlyFull({ totalBytes, freeBytes: reserved / 2 })).toBe(false);
    expect(isNearlyFull({ totalBytes, freeBytes: reserved / 2 - 1 })).toBe(true);
  });
});
