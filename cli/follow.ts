import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { MedperfError } from '../contract';
import type { LiveProgress, Run } from '../client';
import type { Output } from './output';
import { Detached } from './detached';
import { ProgressPainter } from './progress-painter';
import type { Session } from './session';

export type Followed<T> =
  { readonly ended: true; readonly result: T } | { readonly ended: false; readonly progress: LiveProgress };

type Settled<T> = { readonly result: T } | { readonly error: unknown };

const POLL_MS = 500;

/**
 * Shows a run's progress until it ends or `until` holds. Ctrl-C throws `Detached`; the run goes on.
 * @throws Temporal's `WorkflowFailedError` when the run failed or was cancelled.
 */
export async function follow<T>(
  session: Session,
  output: Output,
  run: Run<T>,
  until: (progress: LiveProgress) => boolean = () => false,
): Promise<Followed<T>> {
  const painter = new ProgressPainter(output);
  // A wait for the end that nobody needs any more would keep the process alive for the length of a long poll.
  const left = new AbortController();
  // Each long poll listens once more.
  setMaxListeners(0, left.signal);
  const settled = settle(session.temporal.connection.withAbortSignal(left.signal, () => run.result()));
  const interrupt = interruption();
  try {
    for (;;) {
      const progress = await Promise.race([settled.then(() => null), interrupt.pressed, read(session, run.id)]);
      if (progress === null) break;
      if (progress === 'no worker') painter.waitForWorker();
      else {
        painter.paint(progress);
        if (progress.status === 'RUNNING' && until(progress)) {
          left.abort();
          return { ended: false, progress };
        }
      }
      const ended = await Promise.race([settled.then(() => true), interrupt.pressed, delay(POLL_MS, false)]);
      if (ended) break;
    }
    const last = await Promise.race([read(session, run.id), interrupt.pressed]);
    if (last !== 'no worker') painter.paint(last);
  } catch (error) {
    left.abort();
    throw error;
  } finally {
    interrupt.forget();
    painter.end();
  }
  const end = await settled;
  if ('error' in end) throw end.error;
  return { ended: true, result: end.result };
}

function settle<T>(result: Promise<T>): Promise<Settled<T>> {
  return result.then(
    (value) => ({ result: value }),
    (error: unknown) => ({ error }),
  );
}

async function read(session: Session, id: string): Promise<LiveProgress | 'no worker'> {
  try {
    return await session.medperf.progress(id);
  } catch (error) {
    if (error instanceof MedperfError && error.type === 'HostLost') return 'no worker';
    throw error;
  }
}

function interruption(): { readonly pressed: Promise<never>; forget(): void } {
  let onSignal = (): void => undefined;
  const pressed = new Promise<never>((_resolve, reject) => {
    onSignal = () => reject(new Detached());
    process.once('SIGINT', onSignal);
  });
  // Nobody may be waiting at the moment when it is pressed.
  pressed.catch(() => undefined);
  return { pressed, forget: () => process.off('SIGINT', onSignal) };
}
