import fc from 'fast-check';
import { MOST_PASSES, nextServed } from './lease-order';

const waiting = fc.array(
  fc.record({ count: fc.integer({ min: 1, max: 8 }), passed: fc.integer({ min: 0, max: MOST_PASSES }) }),
  { maxLength: 12 },
);

it('serves the largest that fits, and of equals the first', () => {
  const counts = (...all: number[]) => all.map((count) => ({ count, passed: 0 }));
  expect(nextServed(counts(1, 2, 4, 4), 4)).toBe(2);
  expect(nextServed(counts(1, 2, 4), 3)).toBe(1);
  expect(nextServed(counts(2, 1, 1), 1)).toBe(1);
  expect(nextServed(counts(2, 4), 1)).toBeNull();
  expect(nextServed([], 4)).toBeNull();
});

it('keeps the rest waiting for one that was passed often enough', () => {
  const large = { count: 4, passed: MOST_PASSES };
  expect(nextServed([large, { count: 1, passed: 0 }], 3)).toBeNull();
  expect(nextServed([{ count: 1, passed: 0 }, large, { count: 2, passed: 0 }], 3)).toBe(0);
  expect(nextServed([large, { count: 1, passed: 0 }], 4)).toBe(0);
});

it('never serves what does not fit, nor anybody behind one who may not be passed', () => {
  fc.assert(
    fc.property(waiting, fc.integer({ min: 0, max: 8 }), (places, free) => {
      const at = nextServed(places, free);
      const barrier = places.findIndex(({ passed }) => passed >= MOST_PASSES);
      const served = at === null ? null : places[at]!;
      if (at !== null) {
        expect(served!.count).toBeLessThanOrEqual(free);
        if (barrier !== -1) expect(at).toBeLessThanOrEqual(barrier);
        return;
      }
      const allowed = barrier === -1 ? places : places.slice(0, barrier + 1);
      expect(allowed.filter(({ count }) => count <= free)).toEqual([]);
    }),
  );
});
