import type { FileHandle } from 'node:fs/promises';

/** Bytes that are read at once. */
export const BLOCK_BYTES = 1024 * 1024;
/**
 * Bytes that are written at once. Linux keeps what a larger write brings in larger pieces of memory, which a virtual machine
 * may have to get from its host first: on one, writing 1 GiB by the MiB took five times as long as by a quarter of it.
 */
export const WRITTEN_BYTES = 256 * 1024;
const BUFFERS = 6;

/**
 * Reads a file ahead of its reader into a few buffers that are used again: `take` gets each block and a function that
 * gives its buffer back.
 */
export async function readInBlocks(
  handle: FileHandle,
  take: (block: Uint8Array, giveBack: () => void) => Promise<void>,
): Promise<void> {
  const buffers = new Buffers();
  const read = async (): Promise<Uint8Array> => {
    const buffer = await buffers.take();
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
    return buffer.subarray(0, bytesRead);
  };
  let next = read();
  for (;;) {
    const block = await next;
    if (block.length === 0) return;
    next = read();
    // Told by the next turn of the loop, unless this one fails first.
    next.catch(() => undefined);
    try {
      await take(block, () => buffers.giveBack(block));
    } catch (error) {
      buffers.free();
      await next.catch(() => undefined);
      throw error;
    }
  }
}

class Buffers {
  private readonly spare: Uint8Array[] = Array.from({ length: BUFFERS }, () => new Uint8Array(BLOCK_BYTES));
  private waiting: ((buffer: Uint8Array) => void) | null = null;

  take(): Promise<Uint8Array> {
    const buffer = this.spare.pop();
    return buffer === undefined ? new Promise((resolve) => (this.waiting = resolve)) : Promise.resolve(buffer);
  }

  giveBack(block: Uint8Array): void {
    this.hand(new Uint8Array(block.buffer));
  }

  /** Lets a read that waits for a buffer go on, so that it can be waited for. */
  free(): void {
    if (this.waiting !== null) this.hand(new Uint8Array(BLOCK_BYTES));
  }

  private hand(buffer: Uint8Array): void {
    const { waiting } = this;
    this.waiting = null;
    if (waiting === null) this.spare.push(buffer);
    else waiting(buffer);
  }
}
