import { isCancellation } from '@temporalio/workflow';
import type { Outcome } from '../contract';
import type { ProgressRecorder } from './progress-recorder';

/** Records how the workflow ended; a cancellation stays a cancellation. */
export async function ending<T>(
  progress: ProgressRecorder,
  outcome: Outcome | ((result: T) => Outcome),
  work: () => Promise<T>,
): Promise<T> {
  try {
    const result = await work();
    progress.end(typeof outcome === 'function' ? outcome(result) : outcome);
    return result;
  } catch (error) {
    progress.end(isCancellation(error) ? 'cancelled' : 'failed');
    throw error;
  }
}
