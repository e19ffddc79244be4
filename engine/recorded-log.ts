import { setTimeout as delay } from 'node:timers/promises';
import type { Digest } from '../contract';
import type { Store } from '../store/store';
import { headRecord, LogHeadSchema, LogPieceSchema, pieceRecord } from './log-records';
import type { LogHead, LogPiece } from './log-records';

const POLL_MS = 1000;
const ANEW = '\n[temporal-medperf: the container was run anew; its log begins again]\n';

export interface ReadingOptions {
  /** Waits for what is still to come, also while no worker is there. */
  readonly follow: boolean;
  /** Aborting ends the waiting: what is recorded by then is given, and nothing more. */
  readonly signal: AbortSignal;
}

/** The log of a container as its worker records it in the store, from its first byte. */
export async function* readRecordedLog(
  store: Store,
  name: string,
  { follow, signal }: ReadingOptions,
): AsyncGenerator<Buffer> {
  let reading = new Reading(store, name, null);
  for (;;) {
    const last = !follow || signal.aborted;
    const head = await readHead(store, name);
    if (head !== null && head.generation !== reading.generation) {
      if (reading.generation !== null) yield Buffer.from(ANEW);
      reading = new Reading(store, name, head.generation);
    }
    if (head !== null) {
      yield* reading.pieces();
      if (head.end !== null) yield* reading.rest(head.end.digest);
    }
    if (last || (head !== null && head.end !== null)) return;
    await delay(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** How far the log of one generation has been read. */
class Reading {
  private position = 0;
  private number = 0;

  constructor(
    private readonly store: Store,
    private readonly name: string,
    /** Null before any is known. */
    readonly generation: string | null,
  ) {}

  /** What the pieces hold beyond the position. */
  async *pieces(): AsyncGenerator<Buffer> {
    for (;;) {
      const piece = await this.piece(this.number);
      if (piece === null) return;
      if (piece.offset > this.position) {
        // The piece before was written again, longer, by a worker that took over.
        const before = this.number === 0 ? null : await this.piece(this.number - 1);
        if (before !== null) yield* this.beyond(before.offset, before.digest);
        if (piece.offset > this.position) return;
      }
      yield* this.beyond(piece.offset, piece.digest);
      this.number += 1;
    }
  }

  rest(whole: Digest): AsyncGenerator<Buffer> {
    return this.beyond(0, whole);
  }

  /** The part of a blob that lies beyond the position; `offset` is where the blob begins. */
  private async *beyond(offset: number, digest: Digest): AsyncGenerator<Buffer> {
    let at = offset;
    for await (const chunk of await this.store.openRead(digest)) {
      const fresh = (chunk as Buffer).subarray(Math.max(0, this.position - at));
      at += (chunk as Buffer).length;
      if (fresh.length === 0) continue;
      this.position = at;
      yield fresh;
    }
  }

  private async piece(number: number): Promise<LogPiece | null> {
    const found = LogPieceSchema.safeParse(await this.store.readRecord(pieceRecord(this.name, number)));
    return found.success && found.data.generation === this.generation ? found.data : null;
  }
}

async function readHead(store: Store, name: string): Promise<LogHead | null> {
  const found = LogHeadSchema.safeParse(await store.readRecord(headRecord(name)));
  return found.success ? found.data : null;
}
