import fc from 'fast-check';
import type { Gpu } from './gpu-inventory';
import { GpuLeases } from './gpu-leases';
import type { HeldGpus, LeaseOptions } from './gpu-leases';
import { MOST_PASSES } from './lease-order';

const quietly = (): LeaseOptions => ({ signal: new AbortController().signal, onWait: () => undefined });
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function gpus(count: number): Gpu[] {
  return Array.from({ length: count }, (_, index) => ({
    uuid: `gpu-${index}`,
    index,
    name: 'listed',
    memoryBytes: 0,
    driver: '',
    computeCapability: '',
    attach: false,
  }));
}

/** Containers and what their labels say; checks at each change that nobody holds another's device. */
class PaperContainers {
  readonly holders = new Map<string, readonly string[]>();
  readonly leases: GpuLeases;

  constructor(readonly count: number) {
    this.leases = new GpuLeases(gpus(count), () => Promise.resolve(this.ledger()));
  }

  ledger(): HeldGpus[] {
    return [...this.holders].map(([holder, uuids]) => ({ holder, uuids }));
  }

  create(holder: string, devices: readonly Gpu[]): void {
    this.holders.set(
      holder,
      devices.map(({ uuid }) => uuid),
    );
    const held = this.held();
    expect(new Set(held).size).toBe(held.length);
  }

  end(holder: string): void {
    this.holders.delete(holder);
    this.leases.changed();
  }

  held(): string[] {
    return [...this.holders.values()].flat();
  }

  /** Leases and "creates a container". */
  run(holder: string, count: number, options = quietly()): Promise<readonly Gpu[]> {
    return this.leases.lease(holder, count, options, (devices) => {
      this.create(holder, devices);
      return Promise.resolve(devices);
    });
  }
}

describe('leases', () => {
  it('are of exactly so many devices, and are there again when their container has ended', async () => {
    const host = new PaperContainers(4);
    expect(await host.run('a', 3)).toHaveLength(3);
    const waiting = host.run('b', 2);
    await settled();
    expect(host.holders.has('b')).toBe(false);
    host.end('a');
    expect(await waiting).toHaveLength(2);
  });

  it('are refused at once for more devices than the host has, saying how many it has', async () => {
    const host = new PaperContainers(2);
    await expect(host.run('a', 3)).rejects.toMatchObject({
      type: 'InvalidRequest',
      message: expect.stringMatching(/at most 2.*3/s) as unknown,
    });
  });

  it('tell who waits how many came before it and how many devices are free', async () => {
    const host = new PaperContainers(4);
    await host.run('a', 2);
    await host.run('a2', 1);
    const told: unknown[] = [];
    const options = { ...quietly(), onWait: (wait: unknown) => told.push(wait) };
    void host.run('b', 2);
    const last = host.run('c', 4, options);
    await settled();
    expect(told.at(-1)).toEqual({ ahead: 1, free: 1 });
    host.end('a');
    await settled();
    expect(told.at(-1)).toEqual({ ahead: 0, free: 1 });
    host.end('a2');
    host.end('b');
    await last;
  });

  it('give the devices back when the container cannot be created', async () => {
    const host = new PaperContainers(1);
    const failing = host.leases.lease('a', 1, quietly(), () => Promise.reject(new Error('no such image')));
    const next = host.run('b', 1);
    await expect(failing).rejects.toThrow('no such image');
    expect(await next).toHaveLength(1);
  });

  it('are not given twice when a container appears while the ledger is being read', async () => {
    const answers: ((ledger: readonly HeldGpus[]) => void)[] = [];
    const leases = new GpuLeases(gpus(1), () => new Promise((resolve) => answers.push(resolve)));
    let created = (): void => undefined;
    const first = leases.lease('a', 1, quietly(), () => new Promise<void>((resolve) => (created = resolve)));
    answers[0]?.([]);
    await settled();
    let given = false;
    const gone = new AbortController();
    const second = leases.lease('b', 1, { ...quietly(), signal: gone.signal }, () => {
      given = true;
      return Promise.resolve();
    });
    expect(answers).toHaveLength(2);
    created();
    await first;
    answers[1]?.([]);
    await settled();
    expect(given).toBe(false);
    gone.abort(new Error('enough'));
    await expect(second).rejects.toThrow('enough');
  });

  it('forget who gives up waiting, and serve those behind it', async () => {
    const host = new PaperContainers(2);
    await host.run('a', 1);
    const gone = new AbortController();
    const large = host.run('large', 2, { signal: gone.signal, onWait: () => undefined });
    gone.abort(new Error('cancelled'));
    await expect(large).rejects.toThrow('cancelled');
    expect(await host.run('b', 1)).toHaveLength(1);
    await expect(host.run('c', 1, { signal: gone.signal, onWait: () => undefined })).rejects.toThrow('cancelled');
  });

  it('outlive the worker: the next one reads them from the containers', async () => {
    const host = new PaperContainers(2);
    const [device] = await host.run('a', 1);
    const next = new GpuLeases(gpus(2), () => Promise.resolve(host.ledger()));
    const [other] = await next.lease('b', 1, quietly(), (devices) => {
      host.create('b', devices);
      return Promise.resolve(devices);
    });
    expect(other?.uuid).not.toBe(device?.uuid);
    // The same task again, whose container the first worker made: the same device, although none is free.
    const again = await next.lease('a', 1, quietly(), (devices) => Promise.resolve(devices));
    expect(again.map(({ uuid }) => uuid)).toEqual([device?.uuid]);
  });

  it('give a task that asks again the place that it has', async () => {
    const host = new PaperContainers(1);
    await host.run('a', 1);
    const first = host.run('b', 1);
    const later = host.run('c', 1);
    const again = host.run('b', 1);
    await expect(first).rejects.toMatchObject({ type: 'EngineUnavailable' });
    host.end('a');
    await again;
    expect(host.holders.has('c')).toBe(false);
    host.end('b');
    await later;
  });

  it('fail for all who wait while the containers cannot be listed, and go on afterwards', async () => {
    const host = new PaperContainers(1);
    let works = false;
    const leases = new GpuLeases(gpus(1), () =>
      works ? Promise.resolve(host.ledger()) : Promise.reject(new Error('no daemon')),
    );
    const take = (devices: readonly Gpu[]) => Promise.resolve(devices);
    await expect(leases.lease('a', 1, quietly(), take)).rejects.toThrow('no daemon');
    works = true;
    expect(await leases.lease('a', 1, quietly(), take)).toHaveLength(1);
  });

  it('do not count devices that the host no longer has', async () => {
    const host = new PaperContainers(1);
    host.holders.set('of-old', ['gpu-that-was-taken-out']);
    expect(await host.run('a', 1)).toHaveLength(1);
  });
});

describe('with the clock in our hands', () => {
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'performance'] });
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  it('notices a container that ended without anybody saying so, and asks only while somebody waits', async () => {
    const host = new PaperContainers(1);
    let asked = 0;
    const leases = new GpuLeases(gpus(1), () => {
      asked++;
      return Promise.resolve(host.ledger());
    });
    host.holders.set('a', ['gpu-0']);
    const waiting = leases.lease('b', 1, quietly(), () => Promise.resolve('served'));
    await settled();
    host.holders.delete('a');
    await jest.advanceTimersByTimeAsync(10_000);
    expect(await waiting).toBe('served');
    const before = asked;
    await jest.advanceTimersByTimeAsync(60_000);
    expect([asked, jest.getTimerCount()]).toEqual([before, 0]);
  });

  it('keep four devices leased for nine tenths of the time, and let no task be passed more than four times', async () => {
    const figures = await simulate({ seed: 42, tasks: 3000, devices: 4, sizes: [1, 2, 4], waiting: 8 });
    expect(figures.mostPasses).toBeLessThanOrEqual(MOST_PASSES);
    expect(figures.leased).toBeGreaterThanOrEqual(0.9);
  });

  it('hold their promises for any tasks', async () => {
    const task = fc.record({
      seed: fc.nat(),
      devices: fc.integer({ min: 1, max: 8 }),
      waiting: fc.integer({ min: 1, max: 12 }),
    });
    await fc.assert(
      fc.asyncProperty(task, async ({ seed, devices, waiting }) => {
        const sizes = [1, 2, 3, 4, 8].filter((size) => size <= devices);
        const figures = await simulate({ seed, tasks: 60, devices, sizes, waiting });
        expect(figures.served).toBe(60);
        expect(figures.mostPasses).toBeLessThanOrEqual(MOST_PASSES);
      }),
      { numRuns: 25 },
    );
  });
});

interface Load {
  readonly seed: number;
  readonly tasks: number;
  readonly devices: number;
  readonly sizes: readonly number[];
  /** Tasks that wait at any time, as long as there are more. */
  readonly waiting: number;
}

/** Tasks of 0.5 to 1.5 s on the real leases, in the time of jest's clock. */
async function simulate({ seed, tasks, devices, sizes, waiting }: Load) {
  const random = numbers(seed);
  const host = new PaperContainers(devices);
  const order: { at: number; passes: number }[] = [];
  let [asked, served, ended, mostPasses, heldMs, last] = [0, 0, 0, 0, 0, Date.now()];
  let failure: { error: unknown } | undefined;
  const count = (): void => {
    heldMs += host.held().length * (Date.now() - last);
    last = Date.now();
  };
  const ask = (): void => {
    if (asked === tasks) return;
    const place = { at: asked++, passes: 0 };
    order.push(place);
    const holder = `task-${place.at}`;
    const size = sizes[place.at % sizes.length]!;
    const duration = 500 + random() * 1000;
    const lease = host.leases.lease(holder, size, quietly(), (taken) => {
      count();
      host.create(holder, taken);
      expect(taken).toHaveLength(size);
      served++;
      for (const earlier of order.filter(({ at }) => at < place.at)) {
        mostPasses = Math.max(mostPasses, ++earlier.passes);
      }
      order.splice(order.indexOf(place), 1);
      setTimeout(() => {
        count();
        ended++;
        host.end(holder);
      }, duration);
      ask();
      return Promise.resolve();
    });
    lease.catch((error: unknown) => (failure ??= { error }));
  };
  for (let at = 0; at < waiting; at++) ask();
  const begun = Date.now();
  let end = 0;
  while (ended < tasks) {
    await settled();
    if (failure !== undefined) throw failure.error;
    if (jest.getTimerCount() === 0) throw new Error(`nobody goes on: ${ended} of ${tasks} have ended`);
    // The last ones have nobody waiting behind them.
    if (asked === tasks && end === 0) {
      count();
      end = heldMs / (devices * (Date.now() - begun));
    }
    await jest.advanceTimersToNextTimerAsync();
  }
  return { served, mostPasses, leased: end };
}

function numbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
