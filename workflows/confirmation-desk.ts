import { condition, defineUpdate, setHandler } from '@temporalio/workflow';
import type { Confirmation } from '../contract';
import type { StageRecorder } from './progress-recorder';
import { firstToEnd } from './racing';
import { reminding } from './reminders';
import type { RemindedPair } from './reminders';

/** Answers the wait for confirmation; refused while nothing waits for it. */
export const confirmUpdate = defineUpdate<Confirmation, [Confirmation]>('confirm');

/** Waits for a person's word on sending a request; `-y` gives it at the start, for all that follow too. */
export class ConfirmationDesk {
  private open = false;
  private given: Confirmation | null = null;

  constructor(
    private readonly confirmedAtStart: boolean,
    private readonly pair: RemindedPair,
    private readonly remindAfterMs: number | undefined,
  ) {
    setHandler(
      confirmUpdate,
      (confirmation) => {
        this.given = confirmation;
        this.open = false;
        return confirmation;
      },
      { validator: (_confirmation) => this.refuseUnlessAsked() },
    );
  }

  private refuseUnlessAsked(): void {
    if (this.open) return;
    if (this.given !== null) throw new Error(`already answered by ${this.given.by}`);
    throw new Error('nothing waits for a confirmation now: the test has not ended, or -y was given');
  }

  /** @param message what is to be confirmed. */
  async ask(message: string, stage: StageRecorder): Promise<boolean> {
    if (this.confirmedAtStart) return true;
    const need = { what: 'confirmation', from: 'the model owner', message } as const;
    this.open = true;
    try {
      return await stage.needing(need, (open) =>
        firstToEnd([() => this.answered(), () => reminding(open, this.pair, this.remindAfterMs)]),
      );
    } finally {
      this.open = false;
    }
  }

  private async answered(): Promise<boolean> {
    await condition(() => !this.open);
    return this.given?.send ?? false;
  }
}
