import type { Heartbeat } from '../contract';

/** Bytes between two words about how far a transfer is. */
const TOLD_EVERY = 16 * 1024 * 1024;

/** Tells how far a transfer is as the share that is done, now and then and at its end; nothing where its size is unknown. */
export function tellShare(
  tell: (details: Heartbeat) => void,
  message: string,
): (doneBytes: number, totalBytes: number | null) => void {
  let told = 0;
  return (done, total) => {
    if (total === null || total === 0 || (done - told < TOLD_EVERY && done < total)) return;
    told = done;
    tell({ message, share: Math.min(done / total, 1) });
  };
}
