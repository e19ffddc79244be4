import type { BlobRef } from '../contract';
import { LogRecording } from './log-recording';
import type { LogRecorderParts } from './log-recording';
import { headRecord } from './log-records';
import type { LogHead } from './log-records';
import type { LogTail } from './log-tail';
import { reportedShare } from './reported-progress';

const SHOW_EVERY_MS = 500;

export interface Following {
  readonly signal: AbortSignal;
  /** The newest line, at most twice a second. */
  readonly onLine: (line: string) => void;
  /** The container says how far it is, from 0 to 1; told when it changes. */
  readonly onShare?: (share: number) => void;
  /** More than `maxBytes` were written. */
  readonly onOverflow: () => void;
}

export interface RecordedLog {
  readonly blob: BlobRef;
  readonly tail: LogTail;
  /** True when the container wrote more than `maxBytes`; the blob holds the first of them. */
  readonly cut: boolean;
  /** Places where Docker had dropped lines before they were read; each is marked in the log. */
  readonly gaps: number;
}

/**
 * Takes a container's log into the store while it is written, and goes on where an earlier recorder of the same container
 * was lost. The order of writing (spool, piece, piece's record, then the fact that counts them) is such that a recorder
 * lost anywhere leaves something that its successor writes again, and nothing that is missing or there twice.
 */
export class LogRecorder {
  private following: Promise<void> = Promise.resolve();

  constructor(private readonly parts: LogRecorderParts) {}

  /**
   * Follows the log to the container's end or until aborted. A store that fails meanwhile is tried again later.
   * @throws MedperfError `EngineUnavailable` when the daemon or the scratch folder fails; call it again to go on.
   */
  follow(options: Following): Promise<void> {
    const work = this.following.then(() => this.attend(options));
    this.following = work.catch(() => undefined);
    return work;
  }

  /**
   * Reads what is left of the log of a container that has ended, and stores the whole. Waits for `follow`.
   * @throws MedperfError `EngineUnavailable` or `StoreUnavailable`; nothing is lost, call it again.
   */
  async finish(): Promise<RecordedLog> {
    await this.following;
    const { store, name, folder } = this.parts;
    const recording = await LogRecording.open(this.parts);
    try {
      await recording.read();
      await recording.save();
      const blob = await store.putFile(folder.logFile);
      const { tail, cut, gaps, generation } = recording;
      const head: LogHead = { generation, end: { ...blob, cut, gaps } };
      await store.writeRecord(headRecord(name), head);
      return { blob, tail, cut, gaps };
    } finally {
      await recording.close();
    }
  }

  private async attend({ signal, onLine, onShare, onOverflow }: Following): Promise<void> {
    const recording = await LogRecording.open(this.parts);
    let shown: string | undefined;
    let share: number | null = null;
    const show = (): void => {
      const lines = recording.tail.last(Infinity);
      const line = lines.at(-1);
      if (line !== undefined && line !== shown) onLine((shown = line));
      const reported = reportedShare(lines);
      if (reported !== null && reported !== share) onShare?.((share = reported));
    };
    const ticker = setInterval(() => {
      show();
      recording.storeWhenDue();
    }, SHOW_EVERY_MS);
    try {
      await recording.read(signal);
      if (recording.cut) onOverflow();
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      clearInterval(ticker);
      show();
      await recording.leave();
    }
  }
}
