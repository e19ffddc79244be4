import { z } from 'zod';
import type { Digest, Task } from '../contract';
import type { Store } from '../store/store';

/** What of a task's runs is alike enough to take alike long. */
export interface TimedTask {
  readonly imageId: Digest;
  readonly task: Task;
}

const REMEMBERED = 9;
const DurationsSchema = z.object({ seconds: z.array(z.number().nonnegative()).max(REMEMBERED) });

/** The median of the last nine runs, in seconds; undefined before the first. */
export async function usualSeconds(store: Store, timed: TimedTask): Promise<number | undefined> {
  const sorted = [...(await durations(store, timed))].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

/** Of two runs that end at the same moment one may be forgotten: it is only an estimate. */
export async function recordDuration(store: Store, timed: TimedTask, seconds: number): Promise<void> {
  const known = await durations(store, timed);
  await store.writeRecord(recordName(timed), { seconds: [...known, seconds].slice(-REMEMBERED) });
}

async function durations(store: Store, timed: TimedTask): Promise<readonly number[]> {
  const found = DurationsSchema.safeParse(await store.readRecord(recordName(timed)));
  return found.success ? found.data.seconds : [];
}

function recordName({ imageId, task }: TimedTask): string {
  return `duration/${imageId}/${task}`;
}
