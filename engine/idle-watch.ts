/** Less than this share of one processor is no work. */
const WORKING_SHARE = 0.01;
/** Into so many parts the time is cut over which the processor's use is averaged, so that a short burst is no work. */
const PARTS = 10;

export interface Signs {
  /** Milliseconds of a clock that never jumps. */
  readonly now: number;
  /** Changes with every new line of the log. */
  readonly lastLogAt: number;
  /** Changes with whatever the outputs hold. */
  readonly outputs: string;
  /** Cumulative; null when it is not known just now, which is no sign of idleness. */
  readonly cpuSeconds: number | null;
}

/** Tells when a container has shown no sign of work for too long. The time begins with the first look. */
export class IdleWatch {
  private activeAt = -Infinity;
  private last: Signs | undefined;
  private part: { now: number; cpuSeconds: number } | undefined;

  constructor(private readonly idleMs: number) {}

  /** True once nothing has happened for the whole time. */
  isIdle(signs: Signs): boolean {
    const { last } = this;
    this.last = signs;
    const moved = signs.lastLogAt !== last?.lastLogAt || signs.outputs !== last.outputs;
    if (moved || signs.cpuSeconds === null || this.hasWorked(signs.now, signs.cpuSeconds)) this.activeAt = signs.now;
    return signs.now - this.activeAt >= this.idleMs;
  }

  private hasWorked(now: number, cpuSeconds: number): boolean {
    const { part } = this;
    const over = part !== undefined && now - part.now >= this.idleMs / PARTS;
    if (part === undefined || over) this.part = { now, cpuSeconds };
    return over && cpuSeconds - part.cpuSeconds >= (WORKING_SHARE * (now - part.now)) / 1000;
  }
}
