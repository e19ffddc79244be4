import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { DeleteObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { MedperfError } from '../../contract';
import { keyBelow } from './connection';
import type { Bucket } from './connection';
import { atBucket, s3Status } from './failures';
import { unlessThere } from './objects';

/** As in a directory: no more often than this, in milliseconds; the clean-up spares what was used within a far longer time. */
const NOTED_EVERY_MS = 3_600_000;
/** Keys whose notes a process remembers; what it forgets it notes again. */
const REMEMBERED = 100_000;
const POLL_MS = 100;

/** A removal ends within the first; who waits for one that takes the second knows that its process died. Milliseconds. */
export interface RemovalLimits {
  readonly removalMs: number;
  readonly deadAfterMs: number;
}

export const USUAL_LIMITS: RemovalLimits = { removalMs: 60_000, deadAfterMs: 120_000 };

/** Folder of the notes: an empty object for each key, dated when that was last used. */
export const USES = 'uses';
/** There while some process removes what was not used. */
const REMOVING = 'removing';

/**
 * What of a bucket is used, noted where the clean-up of any host sees it. Who finds something there and will rely on it
 * notes that first, then waits for a removal under way, and then looks once more; who removes says so first and then looks at
 * the notes. So either the note is seen, or what was removed is missed in time.
 */
export class BucketUses {
  /** When each key was noted, by this process's own clock; the latest last. */
  private readonly noted = new Map<string, number>();

  constructor(
    private readonly bucket: Bucket,
    private readonly limits = USUAL_LIMITS,
  ) {}

  isNoted(name: string): boolean {
    const at = this.noted.get(name);
    return at !== undefined && performance.now() - at < NOTED_EVERY_MS;
  }

  /** What was just put counts as used: its own date says so. */
  remember(name: string): void {
    this.noted.delete(name);
    this.noted.set(name, performance.now());
    for (const oldest of this.noted.keys()) {
      if (this.noted.size <= REMEMBERED) return;
      this.noted.delete(oldest);
    }
  }

  /** It is there no longer. */
  forget(name: string): void {
    this.noted.delete(name);
  }

  async note(name: string): Promise<void> {
    if (this.isNoted(name)) return;
    const begun = performance.now();
    await this.put(keyBelow(this.bucket.place, USES, name));
    this.remember(name);
    this.noted.set(name, begun);
  }

  /** Notes a use that is relied upon; what is there after that stays. */
  async settle(name: string, signal?: AbortSignal): Promise<void> {
    if (this.isNoted(name)) return;
    await this.note(name);
    try {
      // A removal that looked before the note may have taken the note for an old one.
      while (await this.afterRemoval(signal)) await this.put(keyBelow(this.bucket.place, USES, name));
    } catch (error) {
      this.noted.delete(name);
      throw error;
    }
  }

  /**
   * Removes with everybody else held off. `removal` begins nothing after its signal.
   * @throws MedperfError `StoreUnavailable` when other clean-ups leave it no turn.
   */
  async whileRemoving<T>(removal: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.takeTurn(signal);
    const end = AbortSignal.timeout(this.limits.removalMs);
    const either = signal === undefined ? end : AbortSignal.any([signal, end]);
    // One of each request that is under way.
    setMaxListeners(0, either);
    try {
      return await removal(either);
    } finally {
      await this.release().catch(() => undefined);
    }
  }

  private async takeTurn(signal: AbortSignal | undefined): Promise<void> {
    const patience = performance.now() + 2 * this.limits.deadAfterMs;
    while (!(await this.put(this.marker, { IfNoneMatch: '*' }))) {
      if (performance.now() > patience) throw busy(this.bucket);
      await this.afterRemoval(signal);
    }
  }

  /** False when none is under way; else true after its end. */
  private async afterRemoval(signal: AbortSignal | undefined): Promise<boolean> {
    const first = await this.removal();
    if (first === null) return false;
    const dead = performance.now() + this.limits.deadAfterMs;
    for (let now: string | null = first; now === first; now = await this.removal()) {
      signal?.throwIfAborted();
      if (performance.now() > dead) {
        await this.release();
        return true;
      }
      await delay(POLL_MS, undefined, signal === undefined ? {} : { signal });
    }
    return true;
  }

  /** What tells the removal under way from others; null where there is none. */
  private async removal(): Promise<string | null> {
    const head = new HeadObjectCommand({ Bucket: this.bucket.place.bucket, Key: this.marker });
    return atBucket(this.bucket, undefined, async () => {
      try {
        const { Metadata, LastModified } = await this.bucket.client.send(head);
        return `${Metadata?.['removal'] ?? ''} ${LastModified?.toISOString() ?? ''}`;
      } catch (error) {
        if (s3Status(error) === 404) return null;
        throw error;
      }
    });
  }

  private async release(): Promise<void> {
    const remove = new DeleteObjectCommand({ Bucket: this.bucket.place.bucket, Key: this.marker });
    await atBucket(this.bucket, undefined, () => this.bucket.client.send(remove));
  }

  /** @returns whether it was put. */
  private put(key: string, condition: { IfNoneMatch?: '*' } = {}): Promise<boolean> {
    const put = new PutObjectCommand({
      Bucket: this.bucket.place.bucket,
      Key: key,
      Body: '',
      Metadata: { removal: crypto.randomUUID() },
      ...condition,
    });
    return atBucket(this.bucket, undefined, () => unlessThere(() => this.bucket.client.send(put)));
  }

  private get marker(): string {
    return keyBelow(this.bucket.place, REMOVING);
  }
}

function busy({ place }: Bucket): MedperfError {
  return new MedperfError('StoreUnavailable', {
    what: `The bucket ${JSON.stringify(place.bucket)} could not be cleaned up.`,
    found: 'other clean-ups of it that leave no turn',
    next: 'Let one process clean the bucket up, and try again when the others have ended.',
  });
}
