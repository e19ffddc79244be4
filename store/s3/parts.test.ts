import fc from 'fast-check';
import { PART_BYTES, partsOf } from './parts';

const MIB = 1024 * 1024;
const LARGEST = 50 * 1024 ** 4;

describe('partsOf', () => {
  it('covers the content without gaps, in at most 10,000 parts of at least 8 MiB but the last', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: LARGEST }), (size) => {
        const parts = partsOf(size);
        let next = 0;
        for (const [at, { number, start, end }] of parts.entries()) {
          if (number !== at + 1 || start !== next || end <= start) return false;
          if (at < parts.length - 1 && end - start < PART_BYTES) return false;
          next = end;
        }
        return next === size && parts.length <= 10_000;
      }),
      { numRuns: 30 },
    );
  });

  it('keeps parts at 8 MiB as long as 10,000 of them are enough', () => {
    expect(partsOf(10_000 * 8 * MIB)).toHaveLength(10_000);
    expect(partsOf(10_000 * 8 * MIB)[0]).toEqual({ number: 1, start: 0, end: 8 * MIB });
    expect(partsOf(10_000 * 8 * MIB + 1)[0]).toEqual({ number: 1, start: 0, end: 9 * MIB });
  });
});
