import { setTimeout } from 'node:timers/promises';
import { MedperfError } from '../contract';
import { reservedBytes } from './host-space';
import type { HostSpace } from './host-space';

const GIB = 1024 ** 3;
const POLL_MS = 5_000;
/** Then the step fails, to be tried again by itself; well within what a step may take. */
const PATIENCE_MS = 6 * 60 * 60_000;

export interface SpaceWaiting {
  readonly signal?: AbortSignal | undefined;
  /** Told why the work waits whenever that changes, and null when it goes on. */
  readonly onWait?: ((reason: string | null) => void) | undefined;
}

/**
 * Lets work begin when what it will write fits on a disk beside what others of this process were admitted for and have not
 * written yet, so that a full disk is a wait and not a failure half-way.
 */
export class SpaceAdmission {
  private readonly shares = new Set<SpaceShare>();

  /** @param place what waits name, such as `the store`. */
  constructor(
    private readonly place: string,
    private readonly readSpace: () => Promise<HostSpace>,
    private readonly limits = { pollMs: POLL_MS, patienceMs: PATIENCE_MS },
  ) {}

  /** Null when it does not fit now. */
  async tryAdmit(bytes: number): Promise<SpaceShare | null> {
    const found = await this.ask(bytes);
    return typeof found === 'string' ? null : found;
  }

  /** For work that nobody watches wait. @throws MedperfError `StoreUnavailable` when it does not fit now. */
  async admitNow(bytes: number): Promise<SpaceShare> {
    const found = await this.ask(bytes);
    if (typeof found === 'string') throw this.tooFull(found);
    return found;
  }

  /** Waits until it fits. Throws `StoreUnavailable` after six hours. */
  async admit(bytes: number, { signal, onWait }: SpaceWaiting = {}): Promise<SpaceShare> {
    const end = performance.now() + this.limits.patienceMs;
    let told: string | null = null;
    for (;;) {
      signal?.throwIfAborted();
      const found = await this.ask(bytes);
      if (typeof found !== 'string') {
        if (told !== null) onWait?.(null);
        return found;
      }
      const reason = `waiting for disk space: ${found}`;
      if (performance.now() >= end) throw this.tooFull(found);
      if (reason !== told) onWait?.(reason);
      told = reason;
      await setTimeout(this.limits.pollMs, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
    }
  }

  /** A share, or in words what is missing. */
  private async ask(bytes: number): Promise<SpaceShare | string> {
    // What is written while the disk is asked counts twice rather than not at all.
    const before = this.promised();
    const space = await this.readSpace();
    const promised = Math.max(before, this.promised());
    const reserved = reservedBytes(space);
    if (space.freeBytes - reserved - promised >= bytes) {
      const share: SpaceShare = new SpaceShare(bytes, this, () => this.shares.delete(share));
      this.shares.add(share);
      return share;
    }
    const others = promised === 0 ? '' : ` and ${inUnits(promised)} are for others`;
    return `needs ${inUnits(bytes)}, ${inUnits(space.freeBytes)} free on ${this.place}, of which ${inUnits(reserved)} stay free${others}`;
  }

  private promised(): number {
    let sum = 0;
    for (const share of this.shares) sum += share.left;
    return sum;
  }

  private tooFull(found: string): MedperfError {
    return new MedperfError('StoreUnavailable', {
      what: `The disk of ${this.place} is too full for the work to begin.`,
      found,
      next: 'Free some space on that disk; the step is tried again by itself.',
    });
  }
}

/** What work was admitted for. To be released at its end. */
export class SpaceShare {
  constructor(
    private bytes: number,
    private readonly admission: SpaceAdmission,
    readonly release: () => void,
  ) {}

  /** Bytes that are still to be written. */
  get left(): number {
    return this.bytes;
  }

  /** Corrects what is still to be written, as when the work begins anew. */
  set left(bytes: number) {
    this.bytes = Math.max(bytes, 0);
  }

  /** Waits until there is room for more than was foreseen. */
  async grow(bytes: number, waiting: SpaceWaiting): Promise<void> {
    const more = await this.admission.admit(bytes, waiting);
    more.release();
    this.bytes += bytes;
  }
}

function inUnits(bytes: number): string {
  return bytes < GIB ? `${Math.ceil(bytes / 1024 ** 2)} MiB` : `${(bytes / GIB).toPrecision(3)} GiB`;
}
