import { randomUUID } from 'node:crypto';
import type Docker from 'dockerode';
import { z } from 'zod';
import { MedperfError } from '../contract';
import type { Store } from '../store/store';
import { readFrames } from './container-log';
import { engineUnavailable } from './daemon-errors';
import { LogCursor, LogCursorSchema } from './log-cursor';
import { headRecord, pieceRecord } from './log-records';
import type { LogHead, LogPiece } from './log-records';
import { LogSpool } from './log-spool';
import { LogTail } from './log-tail';
import type { ScratchFolder } from './scratch-folder';

const FACT = 'log';
const SPILL_BYTES = 64 * 1024;
const PIECE_BYTES = 256 * 1024;
const LARGEST_PIECE_BYTES = 1024 * 1024;
const LINE_END = 0x0a;
const TAIL_BYTES = 64 * 1024;
const FIRST_INTERVAL_MS = 2_000;
const LONGEST_INTERVAL_MS = 60_000;
const GAP = '[temporal-medperf: a part of the log is missing here: Docker had rotated it away]\n';

const count = z.int().nonnegative();
const RecordingSchema = z.object({
  generation: z.string(),
  /** Milliseconds since 1970. */
  startedAt: z.number(),
  /** Bytes of the spool that `cursor` counts. */
  size: count,
  /** Bytes in pieces, and the number of these. */
  stored: count,
  pieces: count,
  /** The head record names this generation. */
  announced: z.boolean(),
  cut: z.boolean(),
  gaps: count,
  cursor: LogCursorSchema,
});
type Recording = z.output<typeof RecordingSchema>;

export interface LogRecorderParts {
  readonly container: Docker.Container;
  /** What the log's records are called in the store; the container's name. */
  readonly name: string;
  readonly folder: ScratchFolder;
  readonly store: Store;
  readonly maxBytes: number;
}

/** The recording of one container's log while somebody works on it. */
export class LogRecording {
  static async open(parts: LogRecorderParts): Promise<LogRecording> {
    return inScratch(async () => {
      const { folder } = parts;
      const known = await folder.readFact(FACT, RecordingSchema);
      const spool = known === null ? null : await LogSpool.open(folder.logFile, known.size);
      if (known !== null && spool !== null) {
        const recording = new LogRecording(parts, spool, known);
        const end = await spool.read(Math.max(0, known.size - TAIL_BYTES), known.size);
        recording.tail.add(end);
        recording.midLine = end.length > 0 && end.at(-1) !== LINE_END;
        return recording;
      }
      const empty = await LogSpool.open(folder.logFile, 0);
      if (empty === null) throw new Error('a file shorter than nothing');
      const recording = new LogRecording(parts, empty, null);
      await recording.begin().catch(async (error: unknown) => {
        await empty.close();
        throw error;
      });
      return recording;
    });
  }

  readonly tail = new LogTail();
  readonly generation: string;
  private readonly startedAt: number;
  private readonly cursor: LogCursor;
  private stored: number;
  private pieces: number;
  private announced: boolean;
  private isCut: boolean;
  private gapCount: number;
  private midLine = false;
  private lastStoring = Date.now();
  private storeFailed = false;
  private storing: Promise<void> | null = null;

  private constructor(
    private readonly parts: LogRecorderParts,
    private readonly spool: LogSpool,
    known: Recording | null,
  ) {
    this.generation = known?.generation ?? randomUUID();
    this.startedAt = known?.startedAt ?? Date.now();
    this.cursor = new LogCursor(known?.cursor ?? null);
    this.stored = known?.stored ?? 0;
    this.pieces = known?.pieces ?? 0;
    this.announced = known?.announced ?? false;
    this.isCut = known?.cut ?? false;
    this.gapCount = known?.gaps ?? 0;
  }

  get cut(): boolean {
    return this.isCut;
  }

  get gaps(): number {
    return this.gapCount;
  }

  /** Reads on to the log's end, or until there is too much of it. */
  async read(signal?: AbortSignal): Promise<void> {
    if (this.isCut) return;
    this.cursor.reattach();
    const { since } = this.cursor;
    try {
      for await (const frame of readFrames(this.parts.container, { since, signal })) {
        const verdict = this.cursor.take(frame);
        if (verdict === 'seen') continue;
        if (verdict === 'new after a gap') this.markGap();
        if (!this.add(frame.bytes)) return;
        if (this.spool.unwritten >= SPILL_BYTES) await inScratch(() => this.spool.write());
        if (this.spool.size - this.stored >= PIECE_BYTES && !this.storeFailed) this.storeSoon();
      }
    } catch (error) {
      throw error instanceof MedperfError ? error : engineUnavailable("read the container's log", error);
    }
  }

  storeWhenDue(): void {
    const age = Date.now() - this.startedAt;
    const interval = Math.min(LONGEST_INTERVAL_MS, Math.max(FIRST_INTERVAL_MS, age / 100));
    if (this.spool.size > this.stored && Date.now() - this.lastStoring >= interval) this.storeSoon();
  }

  /** Counts what was read, for whoever reads on. */
  async save(): Promise<void> {
    await this.storing;
    await inScratch(() => this.writeCounts());
  }

  /** The end of the following; what it leaves is for others to go on with. */
  async leave(): Promise<void> {
    await this.storing;
    // A short container's log is stored once, by `finish`.
    const long = Date.now() - this.startedAt >= FIRST_INTERVAL_MS;
    await (long && !this.storeFailed ? this.storeNow() : this.writeCounts()).catch(() => undefined);
    await this.spool.close();
  }

  async close(): Promise<void> {
    await this.storing;
    await this.spool.close();
  }

  /** A generation of its own; readers of an earlier one are told at once. */
  private async begin(): Promise<void> {
    await this.writeCounts();
    const { store, name } = this.parts;
    const earlier = await store.readRecord(headRecord(name)).catch(() => null);
    if (earlier !== null) await this.announce().catch(() => undefined);
  }

  private markGap(): void {
    this.gapCount += 1;
    this.add(Buffer.from(this.midLine ? `\n${GAP}` : GAP));
  }

  /** False when there is no room for all of it. */
  private add(bytes: Buffer): boolean {
    const part = bytes.subarray(0, Math.max(0, this.parts.maxBytes - this.spool.size));
    if (part.length > 0) {
      this.spool.add(part);
      this.tail.add(part);
      this.midLine = part.at(-1) !== LINE_END;
    }
    this.isCut = part.length < bytes.length;
    return !this.isCut;
  }

  private storeSoon(): void {
    this.storing ??= this.storeNow()
      .catch(() => undefined)
      .finally(() => (this.storing = null));
  }

  private async storeNow(): Promise<void> {
    this.lastStoring = Date.now();
    try {
      const size = await this.writeCounts();
      while (this.stored < size) await this.storePiece(Math.min(size, this.stored + LARGEST_PIECE_BYTES));
      this.storeFailed = false;
    } catch (error) {
      this.storeFailed = true;
      throw error;
    }
  }

  private async storePiece(end: number): Promise<void> {
    const { store, name } = this.parts;
    const blob = await store.putBytes(await this.spool.read(this.stored, end));
    await this.announce();
    const piece: LogPiece = { ...blob, generation: this.generation, offset: this.stored };
    await store.writeRecord(pieceRecord(name, this.pieces), piece);
    this.stored += blob.size;
    this.pieces += 1;
    await this.writeCounts();
  }

  private async announce(): Promise<void> {
    if (this.announced) return;
    const head: LogHead = { generation: this.generation, end: null };
    await this.parts.store.writeRecord(headRecord(this.parts.name), head);
    this.announced = true;
  }

  /** The cursor and the bytes that it counts belong together: both are of the same moment. */
  private async writeCounts(): Promise<number> {
    const { generation, startedAt, stored, pieces, announced } = this;
    const size = this.spool.size;
    const moment = { size, cursor: this.cursor.facts(), cut: this.isCut, gaps: this.gapCount };
    await this.spool.write();
    await this.parts.folder.writeFact(FACT, { ...moment, generation, startedAt, stored, pieces, announced });
    return size;
  }
}

/** What fails in the scratch folder is the place's failure. The system's own words would name the folder. */
async function inScratch<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof MedperfError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new MedperfError(
      'EngineUnavailable',
      {
        what: "The container's log could not be kept in the worker's scratch folder.",
        found: code ?? 'an error',
        next: "Check that the worker's work directory can be written and has room; the step is tried again by itself.",
      },
      { cause: error },
    );
  }
}
