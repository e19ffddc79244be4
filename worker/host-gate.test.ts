import type { SlotReserveContext } from '@temporalio/worker';
import { HostGate } from './host-gate';

const CONTEXT = {} as SlotReserveContext;

/** True when a promise has not settled after everything that is ready now has run. */
async function isWaiting(promise: Promise<unknown>): Promise<boolean> {
  const waiting = Symbol('waiting');
  const turn = new Promise((resolve) => setImmediate(resolve, waiting));
  return (await Promise.race([promise, turn])) === waiting;
}

describe('HostGate', () => {
  it('gives as many slots as there are, and one more when one is given back', async () => {
    const gate = new HostGate(() => Promise.resolve(true), 2);
    const { signal } = new AbortController();
    await gate.reserveSlot(CONTEXT, signal);
    await gate.reserveSlot(CONTEXT, signal);
    const third = gate.reserveSlot(CONTEXT, signal);
    expect(await isWaiting(third)).toBe(true);
    gate.releaseSlot();
    await expect(third).resolves.toEqual({});
  });

  it('gives none while the host is not ready', async () => {
    let asked = 0;
    const gate = new HostGate(() => {
      asked++;
      return Promise.resolve(false);
    }, 1);
    const stop = new AbortController();
    const slot = gate.reserveSlot(CONTEXT, stop.signal);
    expect(await isWaiting(slot)).toBe(true);
    expect(asked).toBe(1);
    stop.abort(new Error('shutdown'));
    await expect(slot).rejects.toThrow('shutdown');
  });

  it('lets go of who waits when the worker stops', async () => {
    const gate = new HostGate(() => Promise.resolve(true), 1);
    const stop = new AbortController();
    await gate.reserveSlot(CONTEXT, stop.signal);
    const second = gate.reserveSlot(CONTEXT, stop.signal);
    stop.abort(new Error('shutdown'));
    await expect(second).rejects.toThrow('shutdown');
    gate.releaseSlot();
    await expect(gate.reserveSlot(CONTEXT, new AbortController().signal)).resolves.toEqual({});
  });
});
