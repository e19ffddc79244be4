import type Docker from 'dockerode';
import { waitForEnd } from './container-calls';
import type { RunLimits, RunProgress } from './engine';
import type { EndedBy } from './limit-failures';
import type { LogRecorder } from './log-recorder';
import { readProgressFile } from './reported-progress';
import type { ResourceSampler } from './resource-sampler';

/** A small read of each output folder. */
const PROGRESS_FILES_EVERY_MS = 5_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Raised inside a run when the engine is closed: the container goes on without us. */
export class Detached extends Error {}

export interface Supervised {
  readonly container: Docker.Container;
  readonly startedAt: Date;
  readonly limits: RunLimits;
  readonly recorder: LogRecorder;
  readonly sampler: ResourceSampler;
  readonly outputFolders: readonly string[];
  readonly signal: AbortSignal;
  readonly onProgress: (progress: RunProgress) => void;
}

/**
 * Watches a started container until it ends (null) or goes beyond a limit (which one); the container then still runs. The
 * clock counts from the container's start, whoever watches. Rejects with the signal's reason when that aborts.
 */
export async function supervise(run: Supervised): Promise<EndedBy | null> {
  const { container, signal, recorder, sampler, onProgress } = run;
  const watch = new AbortController();
  let lastLogAt = Date.now();
  let stopClock = (): void => undefined;
  let abort = (): void => undefined;
  const progressFiles = setInterval(() => void tellProgressFiles(run), PROGRESS_FILES_EVERY_MS);
  try {
    return await new Promise<EndedBy | null>((resolve, reject) => {
      abort = () => reject(signal.reason as Error);
      signal.addEventListener('abort', abort, { once: true });
      if (signal.aborted) abort();
      stopClock = at(run.startedAt.getTime() + run.limits.wallClockMs, () => resolve('wallClock'));
      waitForEnd(container, watch.signal).then(() => resolve(null), reject);
      const onLine = (lastLogLine: string): void => {
        lastLogAt = Date.now();
        onProgress({ lastLogLine });
      };
      const onShare = (share: number): void => onProgress({ share });
      const onOverflow = (): void => resolve('logBytes');
      // `wait` tells of a daemon that is gone; what these two missed is read after the end.
      recorder.follow({ signal: watch.signal, onLine, onShare, onOverflow }).catch(() => undefined);
      sampler.run({ signal: watch.signal, lastLogAt: () => lastLogAt, onExceeded: resolve }).catch(() => undefined);
    });
  } finally {
    signal.removeEventListener('abort', abort);
    clearInterval(progressFiles);
    stopClock();
    watch.abort();
  }
}

async function tellProgressFiles({ outputFolders, onProgress }: Supervised): Promise<void> {
  const shares = await Promise.all(outputFolders.map(readProgressFile));
  const share = shares.find((told) => told !== null);
  if (typeof share === 'number') onProgress({ share });
}

/** A timer that may lie further away than Node's reach; returns what cancels it. */
function at(time: number, call: () => void): () => void {
  let timer: NodeJS.Timeout;
  const arm = (): void => {
    const left = time - Date.now();
    timer = left <= LONGEST_TIMER_MS ? setTimeout(call, left) : setTimeout(arm, LONGEST_TIMER_MS);
  };
  arm();
  return () => clearTimeout(timer);
}
