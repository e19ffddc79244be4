import { createHash, randomBytes } from 'node:crypto';
import { logTail } from '../engine/log-tail';
import { Arena, succeeded, TIGHT } from './red-team/arena';
import { imageWithVolume } from './red-team/volume-image';
import { processesWith } from './red-team/traces';

const MIB = 1024 * 1024;
/** What a person must never be shown: control, direction-changing and line-breaking characters. */
const UNCLEAN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

/** The attackers' machine code is for this processor. */
const onX64 = process.arch === 'x64' ? it : it.skip;

let arena: Arena;

beforeAll(async () => {
  arena = await Arena.open();
});

afterAll(async () => {
  await arena.close();
});

function contained(words: RegExp): unknown {
  return expect.objectContaining({ type: 'ContainerFailed', message: expect.stringMatching(words) as unknown });
}

onX64('ends forks at the limit of processes, and leaves none of them', async () => {
  const mark = `medperf-red-team-${randomBytes(6).toString('hex')}`;
  const outcome = await arena.attack('forks', { mark });
  const { refused, after } = outcome.attempts.get('start processes without end')!;
  expect(refused).toBe('EAGAIN');
  expect(after).toBeGreaterThan(0);
  expect(after).toBeLessThan(TIGHT.pids);
  expect(await processesWith('cmdline', mark)).toEqual([]);
});

it('ends a run that takes more memory than it may, wherever it takes it', async () => {
  const limits = { tmpBytes: 512 * MIB, shmBytes: 512 * MIB };
  const outcomes = await arena.attackEach(
    'eats-memory',
    ['its own', '/dev/shm', '/tmp'].map((variant) => ({ facts: { variant }, limits })),
  );
  for (const outcome of outcomes) {
    expect(succeeded(outcome)).toEqual(['begin']);
    expect(outcome.error).toEqual(contained(/more memory/));
  }
});

describe('the disk', () => {
  const LIMITS: Record<string, number> = { '/tmp': 8, '/dev/shm': 4, outputs: 16 };

  it.each(Object.keys(LIMITS))('has a bound for %s', async (place) => {
    const outcome = await arena.attack('fills-disk', { place, with: 'bytes' });
    expect(outcome.attempts.get(`fill ${place}`)?.did).toBeUndefined();
    const written = Number(outcome.attempts.get('written')?.did);
    expect(written).toBeGreaterThan(0);
    expect(written).toBeLessThanOrEqual(LIMITS[place]!);
  });

  it("has a bound for an image's own volume", async () => {
    const imageId = await imageWithVolume(arena.docker, arena.imageId);
    try {
      const outcome = await arena.attack('fills-disk', { place: 'the volume', with: 'bytes' }, { imageId });
      expect(outcome.attempts.get('fill the volume')?.did).toBeUndefined();
      expect(Number(outcome.attempts.get('written')?.did)).toBeLessThanOrEqual(LIMITS['/tmp']!);
    } finally {
      await arena.docker.getImage(imageId).remove({ force: true });
    }
  });

  it('has a bound on the number of files and the size of a sparse one', async () => {
    const [files, queues, sparse] = await arena.attackEach('fills-disk', [
      { facts: { place: 'outputs', with: 'files' } },
      { facts: { place: '/dev/mqueue', with: 'files' } },
      { facts: { place: 'outputs', with: 'sparse' } },
    ]);
    expect(files!.error ?? files!.result?.exitCode).not.toBe(0);
    expect(Number(queues!.attempts.get('written')?.did)).toBeLessThan(1000);
    expect(sparse!.attempts.get('a sparse file of 100 GB in outputs')?.refused).toBe('EFBIG');
    // Refused while it writes, and not only when a full disk is collected.
    expect(Number(files!.attempts.get('written')?.did)).toBeLessThan(20 * TIGHT.outputFiles);
  });
});

describe('the log', () => {
  it('ends a run that floods it', async () => {
    const outcomes = await arena.attackEach(
      'floods-log',
      ['lines', 'one line', 'errors'].map((variant) => ({ facts: { variant } })),
    );
    for (const outcome of outcomes) {
      expect(succeeded(outcome)).toEqual(['begin']);
      expect(outcome.error).toEqual(contained(/more log/));
      expect((outcome.error as Error).message.length).toBeLessThan(8000);
    }
  });

  it('is clean where people read it', async () => {
    const outcome = await arena.attack('deceives-readers');
    expect(outcome.result?.exitCode).toBe(1);
    for (const trick of ['\u001b[2J', '\u001b]52;', '\u009b', '\u202e', '\u2028']) expect(outcome.log).toContain(trick);
    const told = await logTail(arena.store, outcome.result!.log.digest, 100);
    // Docker may give one stream's lines before the other's, and the long first line then leaves room for one of them only.
    expect(told.length).toBeGreaterThan(12);
    expect([...told, ...outcome.shown].filter((line) => UNCLEAN.test(line) || line.length > 500)).toEqual([]);
  });
});

it('ends what wants to stay after its time', async () => {
  const variants = ['ignores signals', 'stops itself', 'ignores signals with a child', 'leaves a child behind'];
  const mark = `medperf-red-team-${randomBytes(6).toString('hex')}`;
  const outcomes = await arena.attackEach(
    'outstays',
    variants.map((variant) => ({ facts: { variant, mark }, limits: { wallClockMs: 1500 } })),
  );
  for (const outcome of outcomes.slice(0, 3)) {
    expect(outcome.error).toEqual(contained(/ran longer/));
    expect(outcome.tookMs).toBeLessThan(30_000);
  }
  expect(outcomes[0]?.attempts.get('SIGTERM')?.did).toBe('ignored');
  expect(outcomes[3]?.result?.exitCode).toBe(0);
  expect(await processesWith('cmdline', mark)).toEqual([]);
});

describe('outputs', () => {
  const REFUSED = [
    'link to a host file',
    'link to a secret',
    "link to a neighbour's scratch",
    'dangling link',
    'link as a folder',
    'link in a circle',
    'FIFO',
    'socket',
    'name with control sequences',
    'name that is not UTF-8',
  ];
  const KEPT: Readonly<Record<string, readonly string[]>> = {
    'hard links to one file': ['one', 'other'],
    'setuid file': ['setuid'],
    'name with a newline': ['a\nb'],
    'name of dots': ['.../..\\..\\etc'],
    'name of 255 bytes': ['n'.repeat(255)],
    'name like the object prototype': ['__proto__'],
  };
  /** Not an output: read while the task runs, with care, and never stored. */
  const PASSED_OVER = ['progress file as a FIFO', 'progress file as a link'];
  const EITHER = ['file that nobody may read', 'folder that nobody may enter', 'many levels'];

  onX64('are refused where they lead elsewhere or are no files, and taken as plain files otherwise', async () => {
    const variants = [...REFUSED, ...Object.keys(KEPT), ...PASSED_OVER, ...EITHER];
    const limits = { outputFiles: 20_000 };
    const outcomes = await arena.attackEach(
      'odd-outputs',
      variants.map((variant) => ({ facts: { variant }, limits })),
    );
    // Each was there: what is refused or kept is what the attacker made.
    expect(outcomes.map(({ attempts }) => [...attempts.values()].map(({ did }) => did !== undefined))).toEqual(
      variants.map(() => [true]),
    );
    const ends = outcomes.map(({ error, result }, at) => [variants[at], result === null ? typeOf(error) : 'kept']);
    const taken = Object.fromEntries(ends) as Record<string, string>;
    expect(Object.fromEntries(REFUSED.map((variant) => [variant, taken[variant]]))).toEqual(
      Object.fromEntries(REFUSED.map((variant) => [variant, 'ContainerFailed'])),
    );
    expect(ends.filter(([, end]) => end !== 'kept' && end !== 'ContainerFailed')).toEqual([]);
    for (const variant of EITHER) expect(['kept', 'ContainerFailed']).toContain(taken[variant]);
    for (const { error } of outcomes.filter(({ error }) => error !== null)) {
      const { message } = error as Error;
      for (const line of message.split('\n')) expect(line).not.toMatch(UNCLEAN);
      expect(message).not.toContain(arena.folder);
      expect(message).not.toContain(arena.secret);
    }
    for (const [variant, names] of Object.entries(KEPT)) {
      const tree = outcomes[variants.indexOf(variant)]?.result?.outputs['output_path'];
      expect({ variant, kept: tree !== undefined }).toEqual({ variant, kept: true });
      for (const name of names) expect(await arena.store.lookUp(tree!, name)).toMatchObject({ kind: 'file' });
    }
    for (const variant of PASSED_OVER) {
      const tree = outcomes[variants.indexOf(variant)]?.result?.outputs['output_path'];
      expect(await arena.store.listDirectory(tree!)).toEqual({});
    }
    const setuid = createHash('sha256').update('#!/bin/sh\n').digest('hex');
    await expect(arena.modeOf(`sha256:${setuid}`)).resolves.toBe(0o444);
  });
});

it('outputs of ten thousand levels neither stop the worker nor stay', async () => {
  const limits = { outputFiles: 20_000, outputBytes: 64 * MIB };
  const outcome = await arena.attack('odd-outputs', { variant: 'ten thousand levels' }, { limits });
  expect(succeeded(outcome)).toEqual(['ten thousand levels']);
  expect(outcome.error).toEqual(contained(/refused/));
});

const typeOf = (error: unknown) => (error as { type?: string }).type ?? String(error);
