import { setTimeout as delay } from 'node:timers/promises';
import { pendingWithShared } from '../client/read-progress';
import type { PendingStep } from '../client/read-progress';
import { readRecordedLog } from '../engine/recorded-log';
import { Detached } from './detached';
import { finishedSteps } from './run-history';
import type { FinishedStep } from './run-history';
import type { Session } from './session';
import { logOfFinished } from './step-log';
import type { StepLog } from './step-log';

const POLL_MS = 1000;

/** A log that is shown while its container writes it. */
interface Followed {
  readonly step: string;
  /** Ends the waiting for more. */
  readonly over: AbortController;
  readonly shown: Promise<void>;
  readonly any: () => boolean;
}

/** Shows the logs of a run's steps, each once: live for those found running, from the history for the others. */
export class LogFollower {
  /** By step and how often it had ended before: a step may run again on another host. */
  private readonly followed = new Map<string, Followed>();
  private finished: readonly FinishedStep[] = [];
  private told = 0;
  private historyLength = -1;
  private readonly failure: Promise<never>;
  private fail: (error: unknown) => void = () => undefined;

  constructor(
    private readonly session: Session,
    private readonly id: string,
    private readonly wanted: string | undefined,
    private readonly show: (log: StepLog) => Promise<void>,
  ) {
    this.failure = new Promise<never>((_resolve, reject) => (this.fail = reject));
    this.failure.catch(() => undefined);
  }

  /** To the run's end. Throws `Detached` at Ctrl-C. */
  async follow(): Promise<void> {
    const interrupt = (): void => this.fail(new Detached());
    process.once('SIGINT', interrupt);
    try {
      await Promise.race([this.untilEnd(), this.failure]);
    } finally {
      process.off('SIGINT', interrupt);
      for (const { over } of this.followed.values()) over.abort();
    }
  }

  private async untilEnd(): Promise<void> {
    const handle = this.session.temporal.client.workflow.getHandle(this.id);
    for (;;) {
      const description = await handle.describe();
      if (description.historyLength !== this.historyLength) {
        this.finished = finishedSteps(await handle.fetchHistory());
        this.historyLength = description.historyLength;
      }
      await this.tellFinished();
      if (description.status.name !== 'RUNNING') return;
      const pendings = await pendingWithShared(this.session.temporal.client, description);
      for (const [step, pending] of pendings) this.begin(step, pending);
      await delay(POLL_MS);
    }
  }

  private begin(step: string, { heartbeat }: PendingStep): void {
    const log = heartbeat?.log;
    const key = keyOf(step, this.finished.filter(({ id }) => id === step).length);
    if (log === undefined || this.followed.has(key) || !this.isWanted(step)) return;
    const over = new AbortController();
    let any = false;
    const { store } = this.session;
    const chunks = (async function* () {
      for await (const chunk of readRecordedLog(store, log, { follow: true, signal: over.signal })) {
        any = true;
        yield chunk;
      }
    })();
    const shown = this.show({ step, chunks });
    shown.catch(this.fail);
    this.followed.set(key, { step, over, shown, any: () => any });
  }

  /** What was followed is read to its end; what was not is told now. */
  private async tellFinished(): Promise<void> {
    for (; this.told < this.finished.length; this.told += 1) {
      const step = this.finished[this.told];
      if (step === undefined || !this.isWanted(step.id)) continue;
      const before = this.finished.slice(0, this.told).filter(({ id }) => id === step.id).length;
      const live = this.followed.get(keyOf(step.id, before));
      live?.over.abort();
      await live?.shown;
      if (live?.any() === true) continue;
      const log = await logOfFinished(this.session, step);
      if (log !== null) await this.show(log);
    }
  }

  private isWanted(step: string): boolean {
    return this.wanted === undefined || this.wanted === step;
  }
}

function keyOf(step: string, endedBefore: number): string {
  return `${step}#${endedBefore}`;
}
