import * as fc from 'fast-check';
import type { LogFrame } from './container-log';
import { LogCursor, LogCursorSchema } from './log-cursor';

const SECOND = 1_000_000_000n;
const START = 1_700_000_000n * SECOND;

/** A log as Docker writes it: two streams, times that stand still or go on, and pieces that bear their line's time. */
const logs = fc
  .array(
    fc.record({
      stream: fc.constantFrom(1, 2),
      step: fc.constantFrom(0n, 1n, 1000n, SECOND, 45n * SECOND),
      ends: fc.boolean(),
    }),
    { maxLength: 60 },
  )
  .map((entries) => {
    let now = START;
    const began: Record<number, bigint | undefined> = {};
    return entries.map(({ stream, step, ends }, at): LogFrame => {
      now += step;
      const time = began[stream] ?? now;
      began[stream] = ends ? undefined : time;
      return { stream, time, bytes: Buffer.from(`${at}${ends ? '\n' : ''}`) };
    });
  });

const sinceOf = (cursor: LogCursor): bigint => {
  const [seconds = '0', nanos = '0'] = (cursor.since ?? '0').split('.');
  return BigInt(seconds) * SECOND + BigInt(nanos);
};

/** Reads what the daemon gives of the log as it is now. */
function read(cursor: LogCursor, log: readonly LogFrame[]): { taken: LogFrame[]; gaps: number } {
  cursor.reattach();
  const since = sinceOf(cursor);
  const taken: LogFrame[] = [];
  let gaps = 0;
  for (const frame of log.filter(({ time }) => time >= since)) {
    const verdict = cursor.take(frame);
    if (verdict !== 'seen') taken.push(frame);
    if (verdict === 'new after a gap') gaps += 1;
  }
  return { taken, gaps };
}

const kept = (cursor: LogCursor): LogCursor =>
  new LogCursor(LogCursorSchema.parse(JSON.parse(JSON.stringify(cursor.facts()))));

const frame = (time: bigint, text: string, stream = 1): LogFrame => ({ stream, time, bytes: Buffer.from(text) });

describe("a place in Docker's log", () => {
  it('gives every frame once, wherever readers are lost and go on', () => {
    fc.assert(
      fc.property(logs, fc.array(fc.nat(60), { maxLength: 6 }), (log, stops) => {
        let cursor = new LogCursor(null);
        const taken: LogFrame[] = [];
        for (const stop of [...stops].sort((a, b) => a - b).concat(log.length)) {
          const part = read(cursor, log.slice(0, stop));
          expect(part.gaps).toBe(0);
          taken.push(...part.taken);
          cursor = kept(cursor);
        }
        expect(taken).toEqual(log);
      }),
      { numRuns: 1000 },
    );
  });

  it('does not read a long log from its start again', () => {
    const log = Array.from({ length: 1000 }, (_, at) => frame(START + BigInt(at) * SECOND, 'x\n'));
    const cursor = new LogCursor(null);
    read(cursor, log);
    expect(sinceOf(cursor)).toBeGreaterThan(START + 800n * SECOND);
  });

  it('stays where a line began as long as that line goes on', () => {
    const cursor = new LogCursor(null);
    const bar = [
      frame(START, '10 %\r', 2),
      ...Array.from({ length: 9 }, (_, at) => frame(START + BigInt(at + 1) * 60n * SECOND, 'x\n')),
    ];
    const more = [...bar, frame(START, '20 %\r', 2), frame(START, 'done\n', 2), frame(START + 600n * SECOND, 'y\n')];
    read(cursor, bar);
    expect(read(kept(cursor), more).taken).toEqual(more.slice(bar.length));
  });

  it('loses nothing when the clock was set back', () => {
    const log = [0n, 100n, 200n, 300n, 10n, 11n].map((at) => frame(START + at * SECOND, 'x\n'));
    const cursor = new LogCursor(null);
    read(cursor, log.slice(0, 5));
    expect(read(kept(cursor), log).taken).toEqual(log.slice(5));
  });

  it('tells a gap when the newest line seen is not there any more, and only then', () => {
    const log = Array.from({ length: 9 }, (_, at) => frame(START + BigInt(at) * SECOND, `${at}\n`));
    const cursor = new LogCursor(null);
    read(cursor, log.slice(0, 4));
    expect(read(kept(cursor), log.slice(2))).toEqual({ taken: log.slice(4), gaps: 0 });
    expect(read(kept(cursor), log.slice(6))).toEqual({ taken: log.slice(6), gaps: 1 });
    const after = kept(cursor);
    read(after, log.slice(6, 8));
    expect(read(kept(after), log.slice(6))).toEqual({ taken: log.slice(8), gaps: 0 });
  });
});
