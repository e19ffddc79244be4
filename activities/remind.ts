import type { Reminder, RemindResult } from '../contract';

/** A reminder with the run that it is for. */
export interface SentReminder extends Reminder {
  /** Id of the workflow. */
  readonly run: string;
}

/**
 * Brings a reminder to people, each of them once as far as that can be: it is called again when it fails.
 * @throws MedperfError when the place did not take it.
 */
export type SendReminder = (reminder: SentReminder, signal: AbortSignal) => Promise<void>;

/** Without a place to send it to, a reminder is seen where the run is looked at and nowhere else. */
export async function remind(
  send: SendReminder | undefined,
  reminder: SentReminder,
  signal: AbortSignal,
): Promise<RemindResult> {
  if (send === undefined) return { sent: false };
  await send(reminder, signal);
  return { sent: true };
}
