import { setTimeout as delay } from 'node:timers/promises';
import { readGpus } from '../engine/gpu-inventory';
import { GpuLeases } from '../engine/gpu-leases';
import { MOST_PASSES } from '../engine/lease-order';
import type { Figure } from './figures';

const DEVICES = 4;
const SIZES = [1, 2, 4];
const WAITING = 8;
const TASKS = 120;
const LEAST_SHARE = 0.9;

/** Tasks of 1, 2 and 4 GPUs in equal numbers, 0.5 to 1.5 s long, eight always waiting for four listed GPUs. */
export async function benchGpuLeases(): Promise<Figure[]> {
  const gpus = await readGpus(
    Array.from({ length: DEVICES }, (_, at) => ({
      uuid: `listed-${at}`,
      name: 'listed',
      memoryBytes: 0,
      driver: '',
      computeCapability: '',
    })),
  );
  const holders = new Map<string, readonly string[]>();
  const leases = new GpuLeases(gpus, () => Promise.resolve([...holders].map(([holder, uuids]) => ({ holder, uuids }))));
  const waiting: { at: number; passes: number }[] = [];
  let [asked, mostPasses, heldMs] = [0, 0, 0];
  const { signal } = new AbortController();
  const runTask = async (): Promise<void> => {
    const place = { at: asked++, passes: 0 };
    waiting.push(place);
    const holder = String(place.at);
    await leases.lease(holder, SIZES[place.at % SIZES.length] ?? 1, { signal, onWait: () => undefined }, (devices) => {
      const uuids = devices.map(({ uuid }) => uuid);
      const twice = [...holders.values()].flat().filter((uuid) => uuids.includes(uuid));
      if (twice.length > 0) throw new Error(`leased twice: ${twice.join(', ')}`);
      holders.set(holder, uuids);
      waiting.splice(waiting.indexOf(place), 1);
      for (const earlier of waiting) {
        if (earlier.at < place.at) mostPasses = Math.max(mostPasses, ++earlier.passes);
      }
      return Promise.resolve();
    });
    const begun = performance.now();
    const running = asked < TASKS ? runTask() : Promise.resolve();
    await delay(500 + Math.random() * 1000);
    heldMs += (holders.get(holder)?.length ?? 0) * (performance.now() - begun);
    holders.delete(holder);
    leases.changed();
    await running;
  };
  const begun = performance.now();
  await Promise.all(Array.from({ length: WAITING }, runTask));
  const share = heldMs / (DEVICES * (performance.now() - begun));
  if (mostPasses > MOST_PASSES) throw new Error(`a task was passed ${mostPasses} times`);
  return [
    {
      name: `share of time that ${DEVICES} GPUs are leased (most passes of a waiting task: ${mostPasses})`,
      ratio: share,
      goal: `>= ${LEAST_SHARE}`,
      medians: { 'the whole load': performance.now() - begun },
      pairs: 1,
    },
  ];
}
