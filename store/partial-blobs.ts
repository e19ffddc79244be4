import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { BlobRef, Digest } from '../contract';
import { BlobWriter } from './blob-writer';
import { atPlace, errorCode } from './failures';
import { readJson, writeJson } from './json-files';
import type { PartialBlob } from './store';

const WRITE_FAILED = 'The store could not write a file.';
/** Of another host's process nobody here knows whether it lives; one that writes does so more often. */
const SILENT_MS = 120_000;
/** How the names of their files begin. */
export const PARTIAL = 'part-';
/** In place of a process: whoever comes may go on. */
const NOBODY = 'nobody';

const note = z.object({ size: z.int().nonnegative(), validator: z.string().nullable() });

/** Contents that come in parts: kept when they are interrupted, and gone on with by whoever asks for the same name. */
export class PartialBlobs {
  constructor(
    private readonly incoming: string,
    private readonly pathOf: (digest: Digest) => string,
    private readonly isThere: (blob: BlobRef) => Promise<boolean>,
  ) {}

  open(name: string): Promise<PartialBlob> {
    const key = `${PARTIAL}${createHash('sha256').update(name).digest('hex').slice(0, 32)}`;
    return atPlace(WRITE_FAILED, async () => {
      await mkdir(this.incoming, { recursive: true });
      const own = join(this.incoming, `${key}~${hostname()}~${process.pid}~${randomUUID()}`);
      const kept = await this.claim(key, own);
      const writer = kept === null ? await BlobWriter.create(own) : await BlobWriter.resume(own, kept.size);
      return new KeptBlob(
        own,
        join(this.incoming, `${key}~${NOBODY}~0~${randomUUID()}`),
        writer,
        kept?.validator ?? null,
        this,
      );
    });
  }

  finish(writer: BlobWriter): Promise<BlobRef> {
    return atPlace(WRITE_FAILED, () => writer.finish(this.pathOf, this.isThere));
  }

  /** Takes over what an interrupted download left; of those who want the same one, the first rename wins. */
  private async claim(key: string, own: string): Promise<z.infer<typeof note> | null> {
    for (const name of await readdir(this.incoming)) {
      if (!name.startsWith(`${key}~`) || name.endsWith('.json')) continue;
      const path = join(this.incoming, name);
      try {
        if (!(await isAbandoned(path, name))) continue;
        await rename(path, own);
        await rename(noteOf(path), noteOf(own));
        return note.parse(await readJson(noteOf(own)));
      } catch (error) {
        // Taken by somebody else, or nothing in it that was sure to be on the disk.
        if (errorCode(error) !== 'ENOENT' && !(error instanceof z.ZodError)) throw error;
        await rm(own, { force: true });
      }
    }
    return null;
  }
}

class KeptBlob implements PartialBlob {
  constructor(
    private readonly path: string,
    private readonly freePath: string,
    private writer: BlobWriter,
    private knownValidator: string | null,
    private readonly blobs: PartialBlobs,
  ) {
    this.noteFlushes();
  }

  get size(): number {
    return this.writer.size;
  }

  get validator(): string | null {
    return this.knownValidator;
  }

  async begin(validator: string | null): Promise<void> {
    await this.writer.close();
    await rm(noteOf(this.path), { force: true });
    this.knownValidator = validator;
    this.writer = await atPlace(WRITE_FAILED, () => BlobWriter.create(this.path));
    this.noteFlushes();
  }

  write(parts: readonly Uint8Array[]): Promise<void> {
    return atPlace(WRITE_FAILED, () => this.writer.write(parts));
  }

  async finish(): Promise<BlobRef> {
    const blob = await this.blobs.finish(this.writer);
    await this.discard();
    return blob;
  }

  async keep(): Promise<void> {
    const size = await this.writer.leave();
    if (size === null) return this.discard();
    await writeJson(noteOf(this.path), { size, validator: this.knownValidator });
    await rename(noteOf(this.path), noteOf(this.freePath));
    await rename(this.path, this.freePath);
  }

  async discard(): Promise<void> {
    await this.writer.close();
    await rm(noteOf(this.path), { force: true });
  }

  /** Only what is on the disk counts after a power cut. */
  private noteFlushes(): void {
    this.writer.onFlushed = (size) => writeJson(noteOf(this.path), { size, validator: this.knownValidator });
  }
}

function noteOf(path: string): string {
  return `${path}.json`;
}

async function isAbandoned(path: string, name: string): Promise<boolean> {
  const [, host, pid] = name.split('~');
  if (host === NOBODY) return true;
  if (host === hostname()) return !isRunning(Number(pid));
  return Date.now() - (await stat(path)).mtimeMs > SILENT_MS;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}
