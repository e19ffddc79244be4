import type Docker from 'dockerode';

const HEADER_BYTES = 8;
const LARGEST_FRAME_BYTES = 1024 * 1024;
const TIMESTAMP = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d) $/;
const TIMESTAMP_BYTES = 40;

/** One entry of the log: a line, or one of the pieces (at most 16 KiB) that Docker cuts a long line into. */
export interface LogFrame {
  /** 1 standard output, 2 standard error. */
  readonly stream: number;
  /** When it was written; nanoseconds since 1970. All pieces of a line bear the time of the first. */
  readonly time: bigint;
  /** As written, its line end included where it has one. */
  readonly bytes: Buffer;
}

export interface FramesWanted {
  /** Nothing older than this many seconds since 1970, with nanoseconds after the point; what is that old is included. */
  readonly since?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Both streams in the order written, to the container's end. Throws the client's error when the daemon goes away. */
export async function* readFrames(
  container: Docker.Container,
  { since, signal }: FramesWanted = {},
): AsyncGenerator<LogFrame> {
  // The library's types know `since` as a number only; the daemon takes nanoseconds as text.
  const wanted = {
    follow: true as const,
    stdout: true,
    stderr: true,
    timestamps: true,
    ...(since === undefined ? {} : { since: since as unknown as number }),
    ...(signal === undefined ? {} : { abortSignal: signal }),
  };
  yield* splitFrames((await container.logs(wanted)) as AsyncIterable<Buffer>);
}

/** Whole frames out of Docker's stream: one byte names the stream, the bytes 4 to 7 the length of what follows. */
export async function* splitFrames(stream: AsyncIterable<Buffer>): AsyncGenerator<LogFrame> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of stream) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (rest.length - at >= HEADER_BYTES) {
      const end = at + HEADER_BYTES + frameLength(rest, at);
      if (rest.length < end) break;
      yield parseFrame(rest.readUInt8(at), rest.subarray(at + HEADER_BYTES, end));
      at = end;
    }
    rest = rest.subarray(at);
  }
}

function frameLength(bytes: Buffer, at: number): number {
  const length = bytes.readUInt32BE(at + 4);
  if (length > LARGEST_FRAME_BYTES) throw new Error(`a frame of ${length} bytes in Docker's log`);
  return length;
}

function parseFrame(stream: number, payload: Buffer): LogFrame {
  const space = payload.subarray(0, TIMESTAMP_BYTES).indexOf(0x20);
  const found = TIMESTAMP.exec(payload.toString('latin1', 0, space + 1));
  if (found === null) throw new Error("a frame without its time in Docker's log");
  const [, second = '', fraction = '', zone = ''] = found;
  const time = BigInt(Date.parse(second + zone)) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
  return { stream, time, bytes: payload.subarray(space + 1) };
}
