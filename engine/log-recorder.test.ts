import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { Readable } from 'node:stream';
import type Docker from 'dockerode';
import * as fc from 'fast-check';
import { FileStore } from '../store/file-store';
import type { Store } from '../store/store';
import { LogRecorder } from './log-recorder';
import { readRecordedLog } from './recorded-log';
import { ScratchFolder } from './scratch-folder';

const START_MS = 1_700_000_000_000;
const MIB = 1024 * 1024;
const signal = new AbortController().signal;

interface Entry {
  readonly stream: number;
  readonly nanos: bigint;
  readonly bytes: Buffer;
}

interface Scenario {
  readonly log: readonly Entry[];
  /** Each recorder is lost at one of its calls, before or after it had its effect, or when the log breaks off. */
  readonly losses: readonly { readonly at: number; readonly after: boolean; readonly logBreaksAt: number }[];
}

/** Pieces of at most 16 KiB, enough of them for several pieces in the store, with bursts of one time. */
const scenarios = fc.record({
  log: fc
    .array(
      fc.record({
        stream: fc.constantFrom(1, 2),
        step: fc.constantFrom(0n, 1n, 50_000_000_000n),
        size: fc.integer({ min: 1, max: 16_384 }),
      }),
      { minLength: 1, maxLength: 120 },
    )
    .map((entries) => {
      let nanos = BigInt(START_MS) * 1_000_000n;
      return entries.map(({ stream, step, size }, at) => {
        nanos += step;
        return { stream, nanos, bytes: Buffer.from(`${at},`.repeat(size).slice(0, size - 1) + '\n') };
      });
    }),
  losses: fc.array(fc.record({ at: fc.nat(14), after: fc.boolean(), logBreaksAt: fc.nat(130) }), { maxLength: 4 }),
});

/** A container whose log the daemon gives as far as `visible`; then the connection breaks, or the container has ended. */
function containerWith(log: readonly Entry[], visible = log.length): Docker.Container {
  const logs = ({ since = '0.000000000' }: { since?: string }): Promise<Readable> => {
    const [seconds = '', nanos = ''] = since.split('.');
    const from = BigInt(seconds) * 1_000_000_000n + BigInt(nanos);
    const wanted = log.slice(0, visible).filter((entry) => entry.nanos >= from);
    return Promise.resolve(
      Readable.from(
        (function* () {
          for (const entry of wanted) yield encode(entry);
          if (visible < log.length) throw new Error('the connection broke');
        })(),
        { objectMode: false },
      ),
    );
  };
  return { logs } as unknown as Docker.Container;
}

function encode({ stream, nanos, bytes }: Entry): Buffer {
  const second = new Date(Number(nanos / 1_000_000_000n) * 1000).toISOString().slice(0, 19);
  const stamp = `${second}.${String(nanos % 1_000_000_000n).padStart(9, '0')}Z `;
  const payload = Buffer.concat([Buffer.from(stamp), bytes]);
  const header = Buffer.alloc(8);
  header.writeUInt8(stream, 0);
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
}

const CALLS = new Set<unknown>(['putBytes', 'putFile', 'writeRecord', 'writeFact']);

/** The same object, until the n-th of its writing calls: from then on the process that uses it is dead. */
function mortal<T extends object>(target: T, life: { left: number; after: boolean; dead: boolean }): T {
  return new Proxy(target, {
    get(from, name) {
      const value: unknown = Reflect.get(from, name, from);
      if (typeof value !== 'function') return value;
      return async (...args: unknown[]): Promise<unknown> => {
        if (life.dead) throw new Error('dead');
        const last = CALLS.has(name) && life.left-- === 0;
        if (last) life.dead = true;
        if (last && !life.after) throw new Error('dead');
        const result: unknown = await (value as (...all: unknown[]) => unknown).apply(from, args);
        if (last) throw new Error('dead');
        return result;
      };
    },
  });
}

let root: string;
let store: FileStore;
let folders = 0;
beforeAll(async () => {
  root = await fs.mkdtemp(path.join(os.tmpdir(), 'medperf-log-'));
  store = new FileStore(path.join(root, 'store'));
});
afterAll(() => fs.rm(root, { recursive: true }));

async function place(): Promise<{ folder: ScratchFolder; name: string }> {
  const name = `run-${folders++}`;
  await fs.mkdir(path.join(root, name, 'facts'), { recursive: true });
  return { folder: new ScratchFolder(root, name), name };
}

const quiet = { signal, onLine: () => undefined, onOverflow: () => undefined };

async function readAll(name: string, follow: boolean): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const { signal: own } = new AbortController();
  for await (const chunk of readRecordedLog(store, name, { follow, signal: own })) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function loseRecorders(
  { log, losses }: Scenario,
  { folder, name }: { folder: ScratchFolder; name: string },
  whole: Buffer,
): Promise<void> {
  for (const { at, after, logBreaksAt } of losses) {
    const life = { left: at, after, dead: false };
    const parts = { name, maxBytes: 8 * MIB, container: containerWith(log, Math.min(logBreaksAt, log.length)) };
    const recorder = new LogRecorder({ ...parts, folder: mortal(folder, life), store: mortal<Store>(store, life) });
    await recorder.follow(quiet).catch(() => undefined);
    if (logBreaksAt >= log.length) await recorder.finish().catch(() => undefined);
    const sofar = await readAll(name, false);
    expect(whole.subarray(0, sofar.length).equals(sofar)).toBe(true);
  }
}

async function record(scenario: Scenario, at: { folder: ScratchFolder; name: string }): Promise<void> {
  const whole = Buffer.concat(scenario.log.map(({ bytes }) => bytes));
  await loseRecorders(scenario, at, whole);
  const recorder = new LogRecorder({ ...at, store, maxBytes: 8 * MIB, container: containerWith(scenario.log) });
  await recorder.follow(quiet);
  const { blob, cut, gaps } = await recorder.finish();
  expect({ cut, gaps }).toEqual({ cut: false, gaps: 0 });
  expect((await store.readBytes(blob.digest)).equals(whole)).toBe(true);
  expect((await readAll(at.name, false)).equals(whole)).toBe(true);
}

describe("recording a container's log", () => {
  it('keeps the same bytes wherever recorders are lost', async () => {
    await fc.assert(
      fc.asyncProperty(scenarios, async (scenario) => record(scenario, await place())),
      { numRuns: 60 },
    );
  });

  it('shows the same bytes to a reader who follows all the while', async () => {
    const followed = fc.sample(scenarios, 20).map(async (scenario) => {
      const at = await place();
      const reading = readAll(at.name, true);
      await record(scenario, at);
      expect((await reading).equals(Buffer.concat(scenario.log.map(({ bytes }) => bytes)))).toBe(true);
    });
    await Promise.all(followed);
  });

  it('keeps the first bytes of too long a log and comes to that verdict again', async () => {
    const log = ['one\n', 'two\n', 'three\n'].map((text, at) => entry(at, text));
    const at = await place();
    const onOverflow = jest.fn();
    const parts = { ...at, store, maxBytes: 6 };
    await new LogRecorder({ ...parts, container: containerWith(log) }).follow({ ...quiet, onOverflow });
    const rotatedAway = new LogRecorder({ ...parts, container: containerWith([]) });
    await rotatedAway.follow({ ...quiet, onOverflow });
    expect(onOverflow).toHaveBeenCalledTimes(2);
    const { blob, cut, tail } = await rotatedAway.finish();
    expect([String(await store.readBytes(blob.digest)), cut, tail.last(9)]).toEqual(['one\ntw', true, ['one', 'tw']]);
  });

  it('does not call a log of just the limit too long', async () => {
    const recorder = new LogRecorder({
      ...(await place()),
      store,
      maxBytes: 4,
      container: containerWith([entry(0, 'one\n')]),
    });
    expect(await recorder.finish()).toMatchObject({ cut: false });
  });

  it('marks what was rotated away before it was read', async () => {
    const log = ['one\n', 'two', 'three\n', 'four\n'].map((text, at) => entry(at, text));
    const parts = { ...(await place()), store, maxBytes: MIB };
    await new LogRecorder({ ...parts, container: containerWith(log.slice(0, 2)) }).follow(quiet);
    const { blob, gaps } = await new LogRecorder({ ...parts, container: containerWith(log.slice(3)) }).finish();
    expect(gaps).toBe(1);
    expect(String(await store.readBytes(blob.digest))).toMatch(
      /^one\ntwo\n\[temporal-medperf: [^\n]*missing[^\n]*\]\nfour\n$/,
    );
  });

  it('never mixes the logs of two containers of one name', async () => {
    const at = await place();
    const parts = { ...at, store, maxBytes: MIB };
    await new LogRecorder({ ...parts, container: containerWith([entry(0, 'old\n')]) }).finish();
    await fs.rm(path.join(root, at.name), { recursive: true });
    await fs.mkdir(path.join(root, at.name, 'facts'), { recursive: true });
    const recorder = new LogRecorder({ ...parts, container: containerWith([entry(1, 'new\n')]) });
    await recorder.follow(quiet);
    expect(String(await readAll(at.name, false))).toBe('');
    await recorder.finish();
    expect(String(await readAll(at.name, false))).toBe('new\n');
  });

  it('does not mind a store that fails while the container runs', async () => {
    const log = Array.from({ length: 40 }, (_, at) => entry(at, 'x'.repeat(16_000)));
    const at = await place();
    const failing = mortal<Store>(store, { left: 0, after: false, dead: false });
    const parts = { ...at, maxBytes: MIB, container: containerWith(log) };
    await new LogRecorder({ ...parts, store: failing }).follow(quiet);
    const { blob } = await new LogRecorder({ ...parts, store }).finish();
    expect(blob.size).toBe(40 * 16_000);
  });

  it('tells the newest line and how far the container says it is', async () => {
    const [lines, shares]: [string[], number[]] = [[], []];
    const container = containerWith(['progress: 1/4\n', 'epoch 1\n'].map((text, at) => entry(at, text)));
    const recorder = new LogRecorder({ ...(await place()), store, maxBytes: MIB, container });
    await recorder.follow({ ...quiet, onLine: (line) => lines.push(line), onShare: (share) => shares.push(share) });
    expect([lines, shares]).toEqual([['epoch 1'], [0.25]]);
  });
});

function entry(at: number, text: string): Entry {
  return { stream: 1, nanos: BigInt(START_MS + at) * 1_000_000n, bytes: Buffer.from(text) };
}
