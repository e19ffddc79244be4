interface Waiter {
  readonly onWait: (ahead: number) => void;
  readonly serve: () => void;
}

/**
 * How many runs without a GPU go on at once on a host; those beyond it wait in order of arrival. Only what a new container
 * takes is waited for: one that runs already, since an earlier worker started it, goes on whether or not there is room.
 */
export class RunSlots {
  private taken = 0;
  private waiting: Waiter[] = [];

  constructor(private readonly count: number) {}

  /** False when a run that begins now would have to wait. */
  hasRoom(): boolean {
    return this.taken + this.waiting.length < this.count;
  }

  /** For a run whose container is there. */
  enter(): void {
    this.taken++;
  }

  /** Resolves once the run may begin; rejects with the signal's reason. `onWait` is told how many wait before it. */
  async take(signal: AbortSignal, onWait: (ahead: number) => void): Promise<void> {
    signal.throwIfAborted();
    if (this.hasRoom()) {
      this.taken++;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const waiter: Waiter = {
        onWait,
        serve: () => {
          signal.removeEventListener('abort', abort);
          this.taken++;
          resolve();
        },
      };
      const abort = (): void => {
        this.waiting = this.waiting.filter((other) => other !== waiter);
        this.tellWaiting();
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', abort, { once: true });
      this.waiting.push(waiter);
      onWait(this.waiting.length - 1);
    });
  }

  /** To be called once for each run that entered or took a slot. */
  leave(): void {
    this.taken--;
    while (this.taken < this.count && this.waiting.length > 0) this.waiting.shift()?.serve();
    this.tellWaiting();
  }

  private tellWaiting(): void {
    for (const [ahead, { onWait }] of this.waiting.entries()) onWait(ahead);
  }
}
