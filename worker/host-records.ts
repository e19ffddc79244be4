import { hostRecordName } from '../activities/host-steps';
import type { HostRecord } from '../activities/host-steps';
import type { Store } from '../store/store';

const EVERY_MS = 60_000;

export interface HostRecording {
  readonly store: Pick<Store, 'writeRecord'>;
  /** Rejects while the host can take no work, such as when its Docker does not answer. */
  readonly describe: () => Promise<Omit<HostRecord, 'seenAt'>>;
  /** Told when the record could not be written; it is tried again a minute later. */
  readonly onFailure: (error: unknown) => void;
}

/** Says in the store, now and every minute, that this host is there, so that claims elsewhere may send work to it. */
export class HostRecords {
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly recording: HostRecording) {}

  async start(): Promise<void> {
    await this.write();
    this.timer = setInterval(() => void this.write(), EVERY_MS);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private async write(): Promise<void> {
    const { store, describe, onFailure } = this.recording;
    try {
      const host = await describe();
      await store.writeRecord(hostRecordName(host.host), { ...host, seenAt: new Date().toISOString() });
    } catch (error) {
      onFailure(error);
    }
  }
}
