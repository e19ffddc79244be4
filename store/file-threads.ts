import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Piscina } from 'piscina';
import type * as tasks from './threads/tasks';

type Tasks = typeof tasks;
type TaskName = keyof Tasks;

/** More threads than this wait for the file system rather than for processors. */
const MOST_THREADS = 8;
const IDLE_MS = 10_000;
const YOUNG_MIB = 8;

let threads: Piscina | undefined;

/**
 * Has a thread do file work that is many small system calls: there they need no trip through the event loop each.
 * Idle threads end by themselves and keep no process alive.
 */
export async function inThread<Name extends TaskName>(
  name: Name,
  order: Parameters<Tasks[Name]>[0],
  signal?: AbortSignal,
): Promise<ReturnType<Tasks[Name]>> {
  threads ??= new Piscina({
    filename: tasksFile(),
    maxThreads: Math.min(MOST_THREADS, availableParallelism()),
    minThreads: 0,
    idleTimeout: IDLE_MS,
    // Orders leave much behind at once, and each thread would let three times its usual young generation pile up.
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB },
  });
  signal?.throwIfAborted();
  return (await threads.run(order, { name })) as ReturnType<Tasks[Name]>;
}

/** Threads load JavaScript only: run from its source, as in the tests, this uses what was built. */
function tasksFile(): string {
  const folder = __filename.endsWith('.ts') ? join(__dirname, '..', 'lib', 'store') : __dirname;
  return join(folder, 'threads', 'tasks.js');
}
