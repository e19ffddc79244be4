import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { CompleteMultipartUploadCommand, CreateMultipartUploadCommand, UploadPartCommand } from '@aws-sdk/client-s3';
import { MedperfError } from '../../contract';
import { forEachBounded } from '../bounded';
import { atPlace, errorCode, placeFailure } from '../failures';
import type { Bucket } from './connection';
import { atBucket } from './failures';
import { describeContent, findObject, putWhole, readingFailed, unlessThere } from './objects';
import type { Content } from './objects';
import { partsOf, WHOLE_BYTES } from './parts';
import type { Part } from './parts';
import { abortUpload, atUpload, findUpload, heldPart, heldParts, LostUpload } from './unfinished-uploads';
import type { HeldPart } from './unfinished-uploads';

const IN_FLIGHT = 6;
/**
 * Parts on their way have so long to arrive when the work is aborted: one that comes after the upload was given up begins it
 * anew at some servers.
 */
const GRACE_MS = 2_000;
const ATTEMPTS = 6;
const FIRST_PAUSE_MS = 250;
/** Others who upload the same may complete or abort our upload. */
const ANEW = 3;
const MD5_ETAG = /^"?([0-9a-f]{32})"?$/;

export interface PutOptions {
  readonly signal?: AbortSignal | undefined;
  /** The upload that an earlier attempt was told to remember. */
  readonly unfinished?: string | undefined;
  /** Told what a later attempt has to know to go on; null when there is nothing to go on with. */
  readonly onUnfinished?: (id: string | null) => void;
  /** Bytes that the server holds, after each part. */
  readonly onSent?: (bytes: number) => void;
  /** Asked when the work is aborted: true leaves the upload to a later attempt (default: it is aborted). */
  readonly keepUnfinished?: (() => boolean) | undefined;
}

/**
 * Puts a content under a key unless something lies there: a small one in one request, else in parts. An upload that was
 * begun before, by whatever process, is gone on with: parts that the server holds are not sent again.
 * @returns whether this call put it.
 */
export async function putIfAbsent(
  bucket: Bucket,
  key: string,
  content: Content,
  options: PutOptions = {},
): Promise<boolean> {
  const { signal } = options;
  if (content.size <= WHOLE_BYTES) return putWhole(bucket, key, content, signal);
  let { unfinished } = options;
  for (let time = 1; ; time += 1) {
    try {
      const id = unfinished ?? (await findUpload(bucket, key, signal)) ?? (await begin(bucket, key, content, signal));
      return await new MultipartUpload(bucket, key, content, id, options).put();
    } catch (error) {
      if (!(error instanceof LostUpload)) throw error;
      options.onUnfinished?.(null);
      if ((await findObject(bucket, key, signal)) !== null) return false;
      if (time === ANEW) throw alwaysLost(bucket);
      unfinished = undefined;
    }
  }
}

async function begin(bucket: Bucket, key: string, content: Content, signal: AbortSignal | undefined): Promise<string> {
  const create = new CreateMultipartUploadCommand({
    Bucket: bucket.place.bucket,
    Key: key,
    ...describeContent(content),
  });
  const { UploadId } = await atBucket(bucket, signal, () =>
    bucket.client.send(create, { ...(signal && { abortSignal: signal }) }),
  );
  if (UploadId === undefined) throw new TypeError('an upload without an id');
  return UploadId;
}

/** The server holds another part than the one that was sent under its number. */
class ChangedPart extends Error {}

/** One upload, which this process or another began. */
class MultipartUpload {
  /** Aborts the requests whose content cannot be read: their streams do not tell them. */
  private readonly unreadable = new AbortController();
  private readonly signal: AbortSignal;
  /** Ends the requests that send parts. */
  private readonly cut: AbortSignal;
  private readonly at: { Bucket: string; Key: string; UploadId: string };

  constructor(
    private readonly bucket: Bucket,
    private readonly key: string,
    private readonly content: Content,
    private readonly id: string,
    private readonly options: PutOptions,
  ) {
    const { signal } = options;
    this.signal = signal === undefined ? this.unreadable.signal : AbortSignal.any([signal, this.unreadable.signal]);
    this.cut = AbortSignal.any([this.unreadable.signal, ...(signal === undefined ? [] : [later(signal)])]);
    this.at = { Bucket: bucket.place.bucket, Key: key, UploadId: id };
  }

  /** @returns whether this call completed the upload. @throws LostUpload */
  async put(): Promise<boolean> {
    const { signal, onUnfinished, keepUnfinished } = this.options;
    onUnfinished?.(this.id);
    try {
      const completed = await this.sendAndComplete();
      if (!completed) await this.abort();
      onUnfinished?.(null);
      return completed;
    } catch (error) {
      if (signal?.aborted === true && keepUnfinished?.() !== true) {
        await this.abort();
        onUnfinished?.(null);
      }
      throw error;
    }
  }

  /** What comes late of a broken connection may take the place of a part that was sent since. */
  private async sendAndComplete(): Promise<boolean> {
    for (let time = 1; ; time += 1) {
      try {
        return await this.complete(await this.send());
      } catch (error) {
        if (!(error instanceof ChangedPart)) throw error;
        if (time === ANEW) throw alwaysLost(this.bucket);
      }
    }
  }

  /** @returns the parts' ETags by their numbers. */
  private async send(): Promise<Map<number, string>> {
    const held = await heldParts(this.bucket, this.key, this.id, this.signal);
    const etags = new Map<number, string>();
    let sent = 0;
    await forEachBounded(partsOf(this.content.size), IN_FLIGHT, async (part) => {
      this.signal.throwIfAborted();
      const there = held.get(part.number);
      const isThere = there !== undefined && (await this.isPart(there, part));
      etags.set(part.number, isThere ? there.etag : await this.sendPart(part));
      sent += part.end - part.start;
      this.options.onSent?.(sent);
    });
    return etags;
  }

  private async sendPart(part: Part): Promise<string> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.sendOnce(part);
      } catch (error) {
        this.signal.throwIfAborted();
        if (!passesByItself(error) || attempt === ATTEMPTS) throw error;
      }
      await this.pauseAfter(attempt);
      // Only the answer may have been lost.
      const there = await this.lookFor(part);
      if (there !== undefined && (await this.isPart(there, part))) return there.etag;
    }
  }

  private pauseAfter(attempt: number): Promise<void> {
    const ms = FIRST_PAUSE_MS * 2 ** (attempt - 1) * (0.5 + Math.random());
    return delay(ms, undefined, { signal: this.signal });
  }

  private async lookFor({ number }: Part): Promise<HeldPart | undefined> {
    try {
      return await heldPart(this.bucket, this.key, this.id, number, this.signal);
    } catch (error) {
      this.signal.throwIfAborted();
      if (passesByItself(error)) return undefined;
      throw error;
    }
  }

  private async sendOnce(part: Part): Promise<string> {
    const body = await this.content.open(part);
    body.once('error', (error) => {
      this.unreadable.abort(placeFailure(readingFailed(this.content), errorCode(error) ?? error.name));
    });
    const upload = new UploadPartCommand({
      ...this.at,
      PartNumber: part.number,
      Body: body,
      ContentLength: part.end - part.start,
    });
    try {
      const { ETag } = await atUpload(this.bucket, this.signal, () =>
        this.bucket.client.send(upload, { abortSignal: this.cut }),
      );
      if (ETag === undefined) throw new TypeError('a part without an ETag');
      return ETag;
    } finally {
      body.destroy();
    }
  }

  /** Whether what the server holds is this part; where its ETag is no MD5 (encrypted buckets) the size has to do. */
  private async isPart(held: HeldPart, part: Part): Promise<boolean> {
    if (held.size !== part.end - part.start) return false;
    const told = MD5_ETAG.exec(held.etag)?.[1];
    return told === undefined || told === (await this.md5(part));
  }

  private async md5(part: Part): Promise<string> {
    return atPlace(readingFailed(this.content), async () => {
      const hash = createHash('md5');
      for await (const chunk of await this.content.open(part)) {
        this.signal.throwIfAborted();
        hash.update(chunk as Uint8Array);
      }
      return hash.digest('hex');
    });
  }

  /** A server that is told twice at once to complete an upload may break on the second until the first is done. */
  private async complete(etags: ReadonlyMap<number, string>): Promise<boolean> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.completeOnce(etags);
      } catch (error) {
        this.signal.throwIfAborted();
        if (!passesByItself(error) || attempt === ATTEMPTS) throw error;
      }
      await this.pauseAfter(attempt);
      if ((await findObject(this.bucket, this.key, this.signal)) !== null) return false;
    }
  }

  private async completeOnce(etags: ReadonlyMap<number, string>): Promise<boolean> {
    const parts = [...etags].map(([PartNumber, ETag]) => ({ PartNumber, ETag }));
    parts.sort((one, other) => one.PartNumber - other.PartNumber);
    const complete = new CompleteMultipartUploadCommand({
      ...this.at,
      MultipartUpload: { Parts: parts },
      IfNoneMatch: '*',
    });
    return atUpload(this.bucket, this.signal, () =>
      unlessThere(() =>
        this.bucket.client.send(complete, { abortSignal: this.signal }).catch((error: unknown) => {
          throw error instanceof Error && error.name === 'InvalidPart' ? new ChangedPart() : error;
        }),
      ),
    );
  }

  private abort(): Promise<void> {
    return abortUpload(this.bucket, this.key, this.id);
  }
}

/** Aborted a moment after the other one. */
function later(signal: AbortSignal): AbortSignal {
  const late = new AbortController();
  const abort = (): void => late.abort(signal.reason);
  if (signal.aborted) abort();
  else signal.addEventListener('abort', () => setTimeout(abort, GRACE_MS).unref(), { once: true });
  return late.signal;
}

function passesByItself(error: unknown): boolean {
  return error instanceof MedperfError && error.type === 'StoreUnavailable';
}

function alwaysLost({ place }: Bucket): MedperfError {
  return new MedperfError('StoreUnavailable', {
    what: `The bucket ${JSON.stringify(place.bucket)} lost an upload, or parts of it, again and again.`,
    found: `${ANEW} uploads that something else aborted or wrote into`,
    next: 'Check that nothing else, such as a rule of the bucket, touches uploads; the work goes on by itself.',
  });
}
