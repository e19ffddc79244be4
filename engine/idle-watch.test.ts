import fc from 'fast-check';
import { IdleWatch } from './idle-watch';
import type { Signs } from './idle-watch';

const IDLE_MS = 60_000;
const LOOK_EVERY_MS = 1000;

/** When a watch that looks each second finds it idle; null when it does not within the time. */
function idleAt(signsAt: (now: number) => Partial<Signs>, untilMs = 10 * IDLE_MS): number | null {
  const watch = new IdleWatch(IDLE_MS);
  for (let now = 0; now <= untilMs; now += LOOK_EVERY_MS) {
    if (watch.isIdle({ now, lastLogAt: 0, outputs: '0', cpuSeconds: 0, ...signsAt(now) })) return now;
  }
  return null;
}

describe('a container that does nothing', () => {
  it('is found when the time is over, counted from the first look', () => {
    expect(idleAt(() => ({}))).toBe(IDLE_MS);
  });

  it('is found after its last sign of work, a part of the time later at most', () => {
    const lastSign = fc.integer({ min: 0, max: 4 * IDLE_MS });
    const kinds = fc.constantFrom(
      (at: number) => ({ lastLogAt: at }),
      (at: number) => ({ outputs: String(at) }),
      (at: number) => ({ cpuSeconds: at / 1000 }),
    );
    fc.assert(
      fc.property(lastSign, kinds, (last, sign) => {
        const found = idleAt((now) => sign(Math.min(now, last)));
        expect(found).toBeGreaterThanOrEqual(last - LOOK_EVERY_MS + IDLE_MS - IDLE_MS / 10);
        expect(found).toBeLessThanOrEqual(last + IDLE_MS * 1.2 + LOOK_EVERY_MS);
      }),
    );
  });

  it('may wait with a little use of the processor, or with a short burst of it', () => {
    expect(idleAt((now) => ({ cpuSeconds: (now / 1000) * 0.005 }))).toBe(IDLE_MS);
    expect(idleAt((now) => ({ cpuSeconds: now >= 20_000 ? 0.04 : 0 }))).toBe(IDLE_MS);
  });

  it.each([
    ['prints now and then', (now: number) => ({ lastLogAt: Math.floor(now / 50_000) })],
    ['writes now and then', (now: number) => ({ outputs: String(Math.floor(now / 50_000)) })],
    ['computes', (now: number) => ({ cpuSeconds: (now / 1000) * 0.02 })],
    ['cannot be measured', () => ({ cpuSeconds: null })],
  ])('is not one that %s', (_, signsAt) => {
    expect(idleAt(signsAt)).toBeNull();
  });
});
