import { z } from 'zod';
import type { LogFrame } from './container-log';

/**
 * How far the clock of a line may lie behind that of lines written before it: the daemon stamps the two streams apart, and
 * a clock is set back now and then.
 */
const DISORDER_NS = 60n * 1_000_000_000n;

const nanoseconds = z
  .string()
  .regex(/^\d{1,24}$/)
  .transform(BigInt);

const MarkSchema = z.object({ since: nanoseconds, seen: z.int().nonnegative(), first: nanoseconds.nullable() });
export const LogCursorSchema = z.object({
  mark: MarkSchema,
  next: MarkSchema.nullable(),
  origin: nanoseconds.nullable(),
  total: z.int().nonnegative(),
  last: nanoseconds,
  newest: nanoseconds,
  burst: z.int().nonnegative(),
  openLines: z.tuple([nanoseconds.nullable(), nanoseconds.nullable()]),
});
export type LogCursorFacts = z.input<typeof LogCursorSchema>;
type State = z.output<typeof LogCursorSchema>;

/** A time, the number of frames seen that are not older, and the time of the first of them. */
interface Mark {
  readonly since: bigint;
  readonly seen: number;
  readonly first: bigint | null;
}

const START: Mark = { since: 0n, seen: 0, first: null };

/**
 * A place in Docker's log, kept so that another process goes on exactly there. The daemon can leave out frames older than
 * a time, but it does not write them in the order of their times: all pieces of one long line bear the time at which it
 * began, however much the other stream wrote meanwhile. So the cursor keeps a time that no further frame is older than,
 * and how many frames since then it has seen: read again, these come first.
 */
export class LogCursor {
  private state: State;
  private replayed = 0;
  private mode: 'replay' | 'resynchronise' | 'new' = 'replay';
  private metNewest = 0;
  private uncertain = false;

  constructor(facts: State | null) {
    this.state = facts ?? {
      mark: START,
      next: null,
      origin: null,
      total: 0,
      last: 0n,
      newest: 0n,
      burst: 0,
      openLines: [null, null],
    };
    this.reattach();
  }

  /** From when on to read, as the daemon understands it. */
  get since(): string | undefined {
    const { since } = this.state.mark;
    const [second, nanos] = [since / 1_000_000_000n, since % 1_000_000_000n];
    return since === 0n ? undefined : `${second}.${String(nanos).padStart(9, '0')}`;
  }

  facts(): LogCursorFacts {
    return JSON.parse(
      JSON.stringify(this.state, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
    ) as LogCursorFacts;
  }

  /** The log is read again `since`. */
  reattach(): void {
    this.replayed = 0;
    this.metNewest = 0;
    this.uncertain = this.state.openLines.some((line) => line !== null);
    this.mode = this.state.mark.seen === 0 ? 'new' : 'replay';
  }

  /** Whether a frame was seen before, is new, or is new after others that the daemon does not have any more. */
  take(frame: LogFrame): 'seen' | 'new' | 'new after a gap' {
    if (this.mode === 'replay' && this.replay(frame)) return 'seen';
    if (this.mode === 'resynchronise') return this.resynchronise(frame);
    this.count(frame);
    return 'new';
  }

  /** False when the frames that were seen are not all there any more: the daemon has rotated its log. */
  private replay({ time }: LogFrame): boolean {
    const { mark, last } = this.state;
    const first = this.replayed === 0;
    this.replayed += 1;
    const final = this.replayed === mark.seen;
    if ((first && time !== mark.first) || (final && time !== last)) {
      this.mode = 'resynchronise';
      return false;
    }
    if (final) this.mode = 'new';
    return true;
  }

  /** What is not newer than the newest frame seen counts as seen; without that one there, others are missing too. */
  private resynchronise(frame: LogFrame): 'seen' | 'new' | 'new after a gap' {
    const { newest, burst } = this.state;
    if (frame.time < newest) return 'seen';
    if (frame.time === newest && this.metNewest < burst) {
      this.metNewest += 1;
      return 'seen';
    }
    this.mode = 'new';
    const missing = this.metNewest === 0 || this.uncertain;
    this.state = { ...this.state, mark: { since: frame.time, seen: 0, first: null }, next: null };
    this.count(frame);
    return missing ? 'new after a gap' : 'new';
  }

  private count({ stream, time, bytes }: LogFrame): void {
    const { state } = this;
    state.origin ??= time;
    state.total += 1;
    state.last = time;
    if (time > state.newest) [state.newest, state.burst] = [time, 1];
    else if (time === state.newest) state.burst += 1;
    state.openLines[stream === 2 ? 1 : 0] = bytes.at(-1) === 0x0a ? null : time;
    if (time < state.mark.since) {
      // The clock was set back further than we allow for: only from the start is nothing left out.
      state.mark = { since: 0n, seen: state.total, first: state.origin };
      state.next = null;
      return;
    }
    state.mark = counted(state.mark, time);
    state.next = state.next === null ? { ...START, since: state.newest + 1n } : counted(state.next, time);
    this.advance();
  }

  private advance(): void {
    const { next, newest, last, openLines } = this.state;
    // The newest frame has to be one of those counted: by it the place is found again.
    if (next === null || last < next.since || newest < next.since + DISORDER_NS) return;
    if (openLines.some((began) => began !== null && began < next.since)) return;
    this.state.mark = next;
    this.state.next = null;
  }
}

function counted(mark: Mark, time: bigint): Mark {
  return time < mark.since ? mark : { since: mark.since, seen: mark.seen + 1, first: mark.first ?? time };
}
