import fc from 'fast-check';
import { RunSlots } from './run-slots';

const never = new AbortController().signal;
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('lets as many begin as there are slots, and the next when one leaves, in order of arrival', async () => {
  const slots = new RunSlots(2);
  const begun: number[] = [];
  const told: string[] = [];
  for (const run of [1, 2, 3, 4]) {
    void slots.take(never, (ahead) => told.push(`${run} behind ${ahead}`)).then(() => begun.push(run));
  }
  await settled();
  expect([begun, slots.hasRoom()]).toEqual([[1, 2], false]);
  expect(told).toEqual(['3 behind 0', '4 behind 1']);
  slots.leave();
  await settled();
  expect(begun).toEqual([1, 2, 3]);
  expect(told.at(-1)).toBe('4 behind 0');
  for (const _run of [2, 3]) slots.leave();
  await settled();
  expect(begun).toEqual([1, 2, 3, 4]);
  slots.leave();
  expect(slots.hasRoom()).toBe(true);
});

it('counts runs that went on without asking, and lets nobody begin until they have left', async () => {
  const slots = new RunSlots(1);
  slots.enter();
  slots.enter();
  let begun = false;
  void slots.take(never, () => undefined).then(() => (begun = true));
  slots.leave();
  await settled();
  expect(begun).toBe(false);
  slots.leave();
  await settled();
  expect(begun).toBe(true);
});

it('forgets who gives up waiting', async () => {
  const slots = new RunSlots(1);
  await slots.take(never, () => undefined);
  const gone = new AbortController();
  const first = slots.take(gone.signal, () => undefined);
  let begun = false;
  void slots.take(never, () => undefined).then(() => (begun = true));
  gone.abort(new Error('cancelled'));
  await expect(first).rejects.toThrow('cancelled');
  await expect(slots.take(gone.signal, () => undefined)).rejects.toThrow('cancelled');
  slots.leave();
  await settled();
  expect(begun).toBe(true);
});

it('never lets more than its number begin, and everybody in the end, whoever gives up', async () => {
  const plan = fc.array(fc.constantFrom('ask', 'leave', 'give up'), { maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 4 }), plan, async (count, steps) => {
      const slots = new RunSlots(count);
      let [running, most, ended, gaveUp, asked] = [0, 0, 0, 0, 0];
      const leaving: AbortController[] = [];
      const leave = async (): Promise<void> => {
        running--;
        ended++;
        slots.leave();
        await settled();
      };
      for (const step of steps) {
        if (step === 'ask') {
          asked++;
          const patience = new AbortController();
          leaving.push(patience);
          void slots
            .take(patience.signal, () => undefined)
            .then(
              () => (most = Math.max(most, ++running)),
              () => gaveUp++,
            );
        } else if (step === 'give up') leaving.pop()?.abort(new Error('enough'));
        else if (running > 0) await leave();
        await settled();
      }
      while (running > 0) await leave();
      expect(most).toBeLessThanOrEqual(count);
      expect(ended + gaveUp).toBe(asked);
      expect(slots.hasRoom()).toBe(true);
    }),
    { numRuns: 50 },
  );
});
