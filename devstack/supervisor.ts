import { startDevStack } from './dev-stack';
import type { DevStackOptions, StackRecord } from './dev-stack';

/**
 * Runs the dev stack in the foreground until SIGTERM or SIGINT, then stops all its parts.
 * @param onReady is told once everything answers; the record is in `dev-stack.json` by then.
 * @throws MedperfError when a part does not come up, and Error when one ends by itself.
 */
export async function runDevStack(options: DevStackOptions, onReady: (record: StackRecord) => void): Promise<void> {
  const stopped = stopSignal();
  const stack = await startDevStack(options);
  try {
    onReady(stack.record);
    const end = await Promise.race([stopped.then(() => 'asked'), stack.broken.then(() => 'broken')]);
    if (end === 'broken') throw new Error("Temporal's development server has ended; its log is in the state folder.");
  } finally {
    await stack.close();
  }
}

/** Listens from the beginning: a signal while the stack starts stops it once it is up. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
  });
}
