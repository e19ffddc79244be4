import type Docker from 'dockerode';
import type { BlobRef } from '../contract';
import type { Store } from '../store/store';
import { LogTail } from './log-tail';

const HEADER_BYTES = 8;
const PROGRESS_INTERVAL_MS = 500;

/** Both streams of a container's log in the order written, from its first line to its end or the container's. */
export async function* readLog(container: Docker.Container, signal?: AbortSignal): AsyncGenerator<Buffer> {
  // `follow` also on a container that has ended: only then does the client stream instead of holding it all.
  const stream = await container.logs({
    follow: true,
    stdout: true,
    stderr: true,
    ...(signal === undefined ? {} : { abortSignal: signal }),
  });
  yield* demultiplex(stream as AsyncIterable<Buffer>);
}

/** Docker's frames: one byte names the stream, the bytes 4 to 7 the length of what follows. */
export async function* demultiplex(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let header = Buffer.alloc(0);
  let remaining = 0;
  for await (let chunk of stream) {
    while (chunk.length > 0) {
      if (remaining === 0) {
        const missing = HEADER_BYTES - header.length;
        header = Buffer.concat([header, chunk.subarray(0, missing)]);
        chunk = chunk.subarray(missing);
        if (header.length < HEADER_BYTES) break;
        remaining = header.readUInt32BE(4);
        header = Buffer.alloc(0);
      } else {
        const payload = chunk.subarray(0, remaining);
        remaining -= payload.length;
        chunk = chunk.subarray(payload.length);
        yield payload;
      }
    }
  }
}

export interface CollectedLog {
  readonly blob: BlobRef;
  readonly tail: LogTail;
  /** True when the container wrote more than `maxBytes`; the blob holds the first of them. */
  readonly cut: boolean;
}

/** Stores the log of a container that has ended. */
export async function collectLog(container: Docker.Container, store: Store, maxBytes: number): Promise<CollectedLog> {
  const tail = new LogTail();
  let cut = false;
  async function* bounded(): AsyncGenerator<Buffer> {
    let left = maxBytes;
    for await (const chunk of readLog(container)) {
      const part = chunk.subarray(0, left);
      left -= part.length;
      tail.add(part);
      if (part.length > 0) yield part;
      if (part.length < chunk.length) {
        cut = true;
        return;
      }
    }
  }
  const blob = await store.putStream(bounded());
  return { blob, tail, cut };
}

export interface LogFollower {
  readonly signal: AbortSignal;
  readonly maxBytes: number;
  /** The newest line, at most twice a second. */
  readonly onLine: (line: string) => void;
  /** More than `maxBytes` were written. */
  readonly onOverflow: () => void;
}

/** Follows the log from its start, so that its size is known also to a worker that has just attached. */
export async function followLog(container: Docker.Container, follower: LogFollower): Promise<void> {
  const tail = new LogTail();
  let size = 0;
  let shown: string | undefined;
  const show = (): void => {
    const [line] = tail.last(1);
    if (line === undefined || line === shown) return;
    shown = line;
    follower.onLine(line);
  };
  const ticker = setInterval(show, PROGRESS_INTERVAL_MS);
  try {
    for await (const chunk of readLog(container, follower.signal)) {
      tail.add(chunk);
      size += chunk.length;
      if (size > follower.maxBytes) {
        follower.onOverflow();
        return;
      }
    }
  } finally {
    clearInterval(ticker);
    show();
  }
}
