import { Readable } from 'node:stream';
import { readRecordedLog } from '../engine/recorded-log';
import { foreseenFailure } from './failures';
import { logOf } from './run-history';
import type { FinishedStep } from './run-history';
import type { Session } from './session';

/** A step's log as it comes, never as a whole. */
export interface StepLog {
  readonly step: string;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** The log of a step that has ended, or null for a step that left none. */
export async function logOfFinished({ store }: Session, step: FinishedStep): Promise<StepLog | null> {
  const digest = logOf(step);
  if (digest !== null) return { step: step.id, chunks: await store.openRead(digest) };
  if (step.recordedLog !== undefined) {
    const reading = { follow: false, signal: new AbortController().signal };
    return { step: step.id, chunks: readRecordedLog(store, step.recordedLog, reading) };
  }
  const lines = step.failure === null ? undefined : foreseenFailure(step.failure)?.facts.log;
  return lines === undefined ? null : { step: step.id, chunks: Readable.from([Buffer.from(`${lines.join('\n')}\n`)]) };
}
