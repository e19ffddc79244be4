import { condition, defineSignal, setHandler, sleep } from '@temporalio/workflow';
import type { CommitteeLook, CommitteeWaiting, PairInput, TestSubject } from '../contract';
import { COMMITTEE_STEP } from '../contract';
import type { StageRecorder } from './progress-recorder';
import { committeePolls } from './proxies';
import { firstToEnd, interruptible, unlessInterrupted } from './racing';
import { reminding } from './reminders';

/** Has the run look for the committee's decision now; its waits after that begin short again. */
export const lookSignal = defineSignal('look');

/** Waits for a benchmark's committee: looks after growing intervals, reminds, and gives up at the deadline. */
export class CommitteeDesk {
  private askedToLook = false;
  private until: number | null = null;

  constructor(
    private readonly pair: PairInput,
    private readonly waiting: CommitteeWaiting,
    private readonly stage: StageRecorder,
  ) {
    setHandler(lookSignal, () => {
      this.askedToLook = true;
    });
  }

  /** The end of work on a request that is sent, or null where the deadline came first; the work then has stopped. */
  async inTime<T>(work: () => Promise<T>): Promise<T | null> {
    const until = this.deadline();
    if (until === null) return work();
    const ended = await unlessInterrupted(work, () => sleep(Math.max(1, until - Date.now())));
    return ended === null ? null : ended.value;
  }

  /** @param subject what was tested; a change of it ends the wait. */
  wait(message: string, subject: TestSubject): Promise<CommitteeLook> {
    const until = this.deadline();
    const need = {
      what: 'committee-decision',
      from: 'the benchmark committee',
      message,
      ...(until === null ? {} : { until: new Date(until).toISOString() }),
    } as const;
    return this.stage.needing(need, (open) =>
      this.stage.step(
        COMMITTEE_STEP,
        "wait for the committee's decision",
        () =>
          firstToEnd<CommitteeLook>([
            () => this.looking(subject),
            () => reminding(open, this.pair, this.waiting.remindAfterMs),
          ]),
        ({ decision }) => (decision === null ? { detail: 'what the test read has changed' } : {}),
      ),
    );
  }

  /** Of all waits of the run, however often it tests anew between them. */
  private deadline(): number | null {
    const { approvalDeadlineMs } = this.waiting;
    if (approvalDeadlineMs === undefined) return null;
    return (this.until ??= Date.now() + approvalDeadlineMs);
  }

  private looking(subject: TestSubject): Promise<CommitteeLook> {
    return interruptible(
      () => {
        this.askedToLook = false;
        return committeePolls['medperf.pollAssociation'].executeWithOptions({ activityId: COMMITTEE_STEP }, [
          { ...this.pair, subject },
        ]);
      },
      () => condition(() => this.askedToLook),
    );
  }
}
