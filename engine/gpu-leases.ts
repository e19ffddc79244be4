import { MedperfError } from '../contract';
import type { Gpu } from './gpu-inventory';
import { nextServed } from './lease-order';

/** Devices that a container holds, as its labels say. */
export interface HeldGpus {
  readonly holder: string;
  readonly uuids: readonly string[];
}

/** What a waiting task is told: tasks that came before it and wait too, and devices that are free. */
export interface LeaseWait {
  readonly ahead: number;
  readonly free: number;
}

export interface LeaseOptions {
  readonly signal: AbortSignal;
  readonly onWait: (wait: LeaseWait) => void;
}

interface Place {
  readonly holder: string;
  readonly count: number;
  passed: number;
  readonly onWait: (wait: LeaseWait) => void;
  readonly serve: (devices: readonly Gpu[]) => void;
  readonly fail: (error: Error) => void;
}

/** Containers may end without this process hearing of it. */
const READ_AGAIN_AFTER_MS = 2_000;

/**
 * Leases of one host's GPUs. Who holds which is written on the containers themselves (`readLedger`), so that a lease outlives
 * the worker; only what is being taken at this moment is kept here. One process a host leases.
 */
export class GpuLeases {
  private places: Place[] = [];
  /** Devices whose container is being created, by holder. */
  private readonly taking = new Map<string, readonly string[]>();
  private serving: Promise<void> | null = null;
  private serveAgain = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly gpus: readonly Gpu[],
    private readonly readLedger: () => Promise<readonly HeldGpus[]>,
  ) {}

  /**
   * Waits for so many devices and has `take` create the container that holds them. A holder that has its container already
   * gets the same devices at once. Asked again while it waits, the earlier call rejects and the later takes its place.
   * @throws MedperfError `InvalidRequest` when the host has fewer, `EngineUnavailable` when the ledger cannot be read, and the
   * signal's reason when it aborts.
   */
  async lease<T>(
    holder: string,
    count: number,
    options: LeaseOptions,
    take: (devices: readonly Gpu[]) => Promise<T>,
  ): Promise<T> {
    if (count > this.gpus.length) throw tooManyGpus(count, this.gpus.length);
    const devices = await this.wait(holder, count, options);
    try {
      return await take(devices);
    } finally {
      this.taking.delete(holder);
      this.changed();
    }
  }

  /** To be called when a holder may have let go of its devices. */
  changed(): void {
    if (this.places.length === 0) return;
    if (this.serving !== null) {
      this.serveAgain = true;
      return;
    }
    clearTimeout(this.timer);
    this.serving = this.serve().finally(() => {
      this.serving = null;
      if (this.places.length === 0) return;
      if (this.serveAgain) this.changed();
      else this.timer = setTimeout(() => this.changed(), READ_AGAIN_AFTER_MS);
    });
  }

  private wait(holder: string, count: number, { signal, onWait }: LeaseOptions): Promise<readonly Gpu[]> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const leave = (): void => {
        signal.removeEventListener('abort', abort);
        this.places = this.places.filter((other) => other !== place);
      };
      const abort = (): void => place.fail(signal.reason as Error);
      const place: Place = {
        holder,
        count,
        passed: 0,
        onWait,
        serve: (devices) => {
          leave();
          resolve(devices);
        },
        fail: (error) => {
          leave();
          reject(error);
          // Those behind it may fit now.
          this.changed();
        },
      };
      signal.addEventListener('abort', abort, { once: true });
      this.enter(place);
      this.changed();
    });
  }

  /** A task that asks again, since its first call was lost, keeps its place in the order. */
  private enter(place: Place): void {
    const earlier = this.places.find(({ holder }) => holder === place.holder);
    if (earlier === undefined) {
      this.places.push(place);
      return;
    }
    place.passed = earlier.passed;
    this.places.splice(this.places.indexOf(earlier), 0, place);
    earlier.fail(superseded());
  }

  private async serve(): Promise<void> {
    this.serveAgain = false;
    // A container created while the ledger is read may be missing in it and no longer be in `taking`.
    const takenBefore = [...this.taking.values()].flat();
    let ledger: readonly HeldGpus[];
    try {
      ledger = await this.readLedger();
    } catch (error) {
      for (const place of [...this.places]) place.fail(error as Error);
      return;
    }
    this.serveHolders(ledger);
    const free = this.freeDevices(ledger, takenBefore);
    for (;;) {
      const at = nextServed(this.places, free.length);
      const place = at === null ? undefined : this.places[at];
      if (at === null || place === undefined) break;
      for (const earlier of this.places.slice(0, at)) earlier.passed++;
      this.give(place, free.splice(0, place.count));
    }
    for (const [ahead, place] of this.places.entries()) place.onWait({ ahead, free: free.length });
  }

  /** Whose container is there already goes on with what it holds. */
  private serveHolders(ledger: readonly HeldGpus[]): void {
    for (const { holder, uuids } of ledger) {
      const place = this.places.find((waiting) => waiting.holder === holder);
      if (place !== undefined)
        this.give(
          place,
          this.gpus.filter(({ uuid }) => uuids.includes(uuid)),
        );
    }
  }

  private give(place: Place, devices: readonly Gpu[]): void {
    this.taking.set(
      place.holder,
      devices.map(({ uuid }) => uuid),
    );
    place.serve(devices);
  }

  private freeDevices(ledger: readonly HeldGpus[], takenBefore: readonly string[]): Gpu[] {
    const taken = [...takenBefore, ...[...this.taking.values()].flat()];
    const held = new Set([...ledger.flatMap(({ uuids }) => uuids), ...taken]);
    return this.gpus.filter(({ uuid }) => !held.has(uuid));
  }
}

export function tooManyGpus(asked: number, there: number): MedperfError {
  return new MedperfError('InvalidRequest', {
    what: 'The task asks for more GPUs than this host has.',
    expected: `at most ${there}`,
    found: String(asked),
    next: 'Ask for fewer GPUs (--gpus), or start a container worker on a host that has them.',
  });
}

function superseded(): MedperfError {
  return new MedperfError('EngineUnavailable', {
    what: 'A later attempt of the same task waits for its GPUs now.',
    next: 'Nothing; the later attempt goes on.',
  });
}
