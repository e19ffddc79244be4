import type { Dispatcher } from 'undici';
import type { BlobRef } from '../contract';
import { download } from './download';
import type { DownloadOptions } from './download';
import { guardedConnections } from './guarded-connections';
import type { Store } from './store';

/** More files at once make none of them faster, and small ones do not wait long for a turn. */
const AT_ONCE = 8;

/** A process's downloads: a bounded number at once, and only from where the operator lets them come. */
export class Downloads {
  private readonly connections: Dispatcher;
  private readonly waiting: (() => void)[] = [];
  private running = 0;

  /** @param privateHosts hosts and networks that are not on the public Internet and may be asked all the same. */
  constructor(privateHosts: readonly string[] = []) {
    this.connections = guardedConnections(privateHosts);
  }

  /** {@link download}, when it is its turn. */
  fetch(store: Store, url: string, options: Omit<DownloadOptions, 'dispatcher'>): Promise<BlobRef> {
    return this.inTurn(options.signal, (dispatcher) => download(store, url, { ...options, dispatcher }));
  }

  /** Other work that reads from such hosts, when it is its turn. */
  async inTurn<T>(signal: AbortSignal | undefined, work: (connections: Dispatcher) => Promise<T>): Promise<T> {
    await this.turn(signal);
    try {
      return await work(this.connections);
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.running -= 1;
      else next();
    }
  }

  async close(): Promise<void> {
    await this.connections.destroy();
  }

  private async turn(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (this.running < AT_ONCE) {
      this.running += 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const giveUp = (): void => {
        this.waiting.splice(this.waiting.indexOf(begin), 1);
        reject(signal?.reason as Error);
      };
      const begin = (): void => {
        signal?.removeEventListener('abort', giveUp);
        resolve();
      };
      this.waiting.push(begin);
      signal?.addEventListener('abort', giveUp, { once: true });
    });
  }
}
