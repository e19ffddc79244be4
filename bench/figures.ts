import { execFileSync } from 'node:child_process';

/** One comparison: how many times the other side's time ours takes, and what is aimed for. */
export interface Figure {
  readonly name: string;
  readonly ratio: number;
  readonly goal: string;
  readonly medians: Readonly<Record<string, number>>;
  readonly pairs: number;
  /** Of ours, above the idle process, in bytes. */
  readonly peakMemory?: number;
}

export interface Side {
  readonly name: string;
  /** Runs once; the bench measures its milliseconds. */
  readonly run: () => Promise<void>;
  /** Makes the same beginning for every run; not measured. */
  readonly before?: () => Promise<void>;
  /** Does the same in a process of its own and tells what `peak-memory.ts` measures. */
  readonly peakMemory?: () => Promise<number>;
}

/** Runs both sides in turn, so that a drift of the machine meets both, and compares pair by pair. */
export async function compare(name: string, pairs: number, goal: number, ours: Side, theirs: Side): Promise<Figure> {
  await timed(ours);
  await timed(theirs);
  const times: { ours: number; theirs: number }[] = [];
  for (let pair = 0; pair < pairs; pair++) times.push({ ours: await timed(ours), theirs: await timed(theirs) });
  await ours.before?.();
  const peakMemory = await ours.peakMemory?.();
  return {
    name,
    ...(peakMemory === undefined ? {} : { peakMemory }),
    ratio: median(times.map((time) => time.ours / time.theirs)),
    goal: `<= ${goal}`,
    medians: { [ours.name]: median(times.map((t) => t.ours)), [theirs.name]: median(times.map((t) => t.theirs)) },
    pairs,
  };
}

export function formatFigure({ name, ratio, goal, medians, pairs, peakMemory }: Figure): string {
  const memory = peakMemory === undefined ? '' : `; peak memory above idle ${Math.round(peakMemory / 1e6)} MB`;
  const behind = Object.entries(medians).map(([side, ms]) => `${side} ${ms.toFixed(0)} ms`);
  return `${name}: ratio ${ratio.toFixed(2)} (goal ${goal}); medians of ${pairs} pairs: ${behind.join(', ')}${memory}`;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

async function timed({ run, before }: Side): Promise<number> {
  await before?.();
  const started = performance.now();
  await run();
  return performance.now() - started;
}

/** What a user would type; its output is thrown away. */
export function shell(command: string): Promise<void> {
  execFileSync('bash', ['-ceu', `set -o pipefail; ${command}`], { stdio: 'ignore' });
  return Promise.resolve();
}
