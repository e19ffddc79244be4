import type Docker from 'dockerode';
import { stopContainer } from './container-calls';
import { followLog } from './container-log';
import { engineUnavailable } from './daemon-errors';
import type { RunRequest } from './engine';

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Raised inside a run when the engine is closed: the container goes on without us. */
export class Detached extends Error {}

export type Ending = 'exited' | 'wallClock' | 'logBytes';

/**
 * Watches a started container to its end, and ends it itself at the time or log limit (the clock counts from the
 * container's start, whoever watches). Rejects with the signal's reason when aborted, the container still running.
 */
export async function supervise(
  container: Docker.Container,
  startedAt: Date,
  request: Pick<RunRequest, 'limits' | 'signal'>,
  onLine: (line: string) => void,
): Promise<Ending> {
  const { limits, signal } = request;
  const watch = new AbortController();
  let cleanUp = (): void => undefined;
  try {
    const ending = await new Promise<Ending>((resolve, reject) => {
      const abort = (): void => reject(signal.reason as Error);
      if (signal.aborted) {
        abort();
        return;
      }
      signal.addEventListener('abort', abort, { once: true });
      const stopClock = at(startedAt.getTime() + limits.wallClockMs, () => resolve('wallClock'));
      cleanUp = (): void => {
        signal.removeEventListener('abort', abort);
        stopClock();
      };
      container.wait({ abortSignal: watch.signal }).then(
        () => resolve('exited'),
        (error: unknown) => reject(engineUnavailable('wait for the container', error)),
      );
      followLog(container, {
        signal: watch.signal,
        maxBytes: limits.logBytes,
        onLine,
        onOverflow: () => resolve('logBytes'),
      }).catch(() => undefined); // `wait` tells of a daemon that is gone; the log is read again after the end.
    });
    if (ending !== 'exited') await stopContainer(container);
    return ending;
  } finally {
    cleanUp();
    watch.abort();
  }
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
