import { constants } from 'node:fs';
import * as fs from 'node:fs/promises';

/** The whole of a log in one file of the scratch folder, written while it is followed. */
export class LogSpool {
  private pending: Buffer[] = [];
  private pendingBytes = 0;
  private writing: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly file: fs.FileHandle,
    private written: number,
  ) {}

  /** Cuts the file to `size`, what was kept count of; null when it is shorter, so that no count holds. */
  static async open(path: string, size: number): Promise<LogSpool | null> {
    const file = await fs.open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    try {
      if ((await file.stat()).size < size) {
        await file.close();
        return null;
      }
      await file.truncate(size);
      return new LogSpool(file, size);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Bytes, written or not. */
  get size(): number {
    return this.written + this.pendingBytes;
  }

  get unwritten(): number {
    return this.pendingBytes;
  }

  add(bytes: Buffer): void {
    this.pending.push(bytes);
    this.pendingBytes += bytes.length;
  }

  /** Writes what was added until now. One write follows the other, whoever asks. */
  write(): Promise<void> {
    const work = this.writing.then(async () => {
      if (this.pendingBytes === 0) return;
      const bytes = Buffer.concat(this.pending);
      await writeAt(this.file, bytes, this.written);
      this.written += bytes.length;
      this.drop(bytes.length);
    });
    this.writing = work.catch(() => undefined);
    return work;
  }

  async read(from: number, to: number): Promise<Buffer> {
    const buffer = Buffer.alloc(Math.max(0, to - from));
    let filled = 0;
    while (filled < buffer.length) {
      const { bytesRead } = await this.file.read(buffer, filled, buffer.length - filled, from + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  }

  async close(): Promise<void> {
    await this.writing;
    await this.file.close();
  }

  /** Others may have been added while these were written. */
  private drop(count: number): void {
    this.pendingBytes -= count;
    let left = count;
    while (left > 0) left -= this.pending.shift()?.length ?? left;
  }
}

async function writeAt(file: fs.FileHandle, bytes: Buffer, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}
