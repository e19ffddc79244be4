import type { ActivitySlotInfo, CustomSlotSupplier, SlotPermit, SlotReserveContext } from '@temporalio/worker';

const ASK_AGAIN_AFTER_MS = 2_000;

/**
 * Gives out activity slots only while the host is ready, such as while its Docker answers, and fewer than `slots` steps run,
 * so that a worker takes no work that it could not do.
 */
export class HostGate implements CustomSlotSupplier<ActivitySlotInfo> {
  readonly type = 'custom';
  private taken = 0;
  private waiting: (() => void)[] = [];

  constructor(
    private readonly isReady: () => Promise<boolean>,
    private readonly slots: number,
  ) {}

  async reserveSlot(_context: SlotReserveContext, signal: AbortSignal): Promise<SlotPermit> {
    for (;;) {
      await this.takeSlot(signal);
      if (await this.isReady()) return {};
      this.releaseSlot();
      await pause(ASK_AGAIN_AFTER_MS, signal);
    }
  }

  /** Eager tasks skip the queue and so that question; none are taken. */
  tryReserveSlot(): SlotPermit | null {
    return null;
  }

  markSlotUsed(): void {
    // Which step uses a slot does not matter here.
  }

  releaseSlot(): void {
    this.taken--;
    this.waiting.shift()?.();
  }

  private async takeSlot(signal: AbortSignal): Promise<void> {
    while (this.taken >= this.slots) await this.slotFreed(signal);
    this.taken++;
  }

  private slotFreed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const wake = (): void => {
        signal.removeEventListener('abort', abort);
        resolve();
      };
      const abort = (): void => {
        this.waiting = this.waiting.filter((other) => other !== wake);
        reject(signal.reason as Error);
      };
      this.waiting.push(wake);
      signal.addEventListener('abort', abort, { once: true });
    });
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', abort);
      resolve();
    }, ms);
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', abort, { once: true });
  });
}
