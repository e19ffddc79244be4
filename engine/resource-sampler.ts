import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type Docker from 'dockerode';
import { ContainerUseSchema, NO_USE, mostOf, readUse } from './container-use';
import type { ContainerUse } from './container-use';
import type { RunLimits } from './engine';
import { readHostSpace } from '../store/host-space';
import { isNearlyFull } from './host-space';
import { IdleWatch } from './idle-watch';
import type { EndedBy } from './limit-failures';
import { measureOutputs } from './output-size';
import type { OutputSize } from './output-size';
import type { ScratchFolder } from './scratch-folder';

export type Exceeded = Extract<EndedBy, 'idle' | 'outputBytes' | 'outputFiles' | 'hostDisk'>;

export interface SamplerParts {
  readonly container: Docker.Container;
  readonly folder: ScratchFolder;
  readonly outputFolders: readonly string[];
  readonly limits: Pick<RunLimits, 'idleMs' | 'outputBytes' | 'outputFiles'>;
  /** True where the outputs have no file system of their own, so that nothing else bounds them. */
  readonly watchOutputs: boolean;
}

export interface SamplerRun {
  readonly signal: AbortSignal;
  /** Any number that changes with every new line of the log. */
  readonly lastLogAt: () => number;
  /** Called at most once; sampling ends with it. */
  readonly onExceeded: (which: Exceeded) => void;
}

/** The first look is early, for short runs; Docker answers at most once a second. */
const GAPS_MS = [200, 1000, 1000, 2000];
const LONGEST_GAP_MS = 5000;
const SHORTEST_GAP_MS = 200;
/** A short idle limit is looked at so many times before it is over. */
const LOOKS_BEFORE_IDLE = 4;
const ANSWER_MS = 10_000;
/** A walk through the outputs that took a second is not repeated for so many. */
const REST_AFTER_WALK = 100;
/** More than the folders of an empty file system take. */
const EMPTY_BYTES = 64 * 1024;
const FACT = 'use';

/** Watches what a running container takes, and tells when it does nothing or its outputs outgrow their limits. */
export class ResourceSampler {
  private newest: Promise<ContainerUse> | undefined;
  private outputs: OutputSize | undefined;
  private nextWalkAt = 0;

  constructor(private readonly parts: SamplerParts) {}

  /** Until the signal aborts or something is exceeded; a look that fails is left out, for others tell of a lost daemon. */
  async run({ signal, lastLogAt, onExceeded }: SamplerRun): Promise<void> {
    const idle = new IdleWatch(this.parts.limits.idleMs);
    for (let looks = 0; ; looks += 1) {
      if (!(await elapsed(this.gap(looks), signal))) return;
      const cpuSeconds = await this.sampleUse(signal);
      const before = this.outputs;
      const exceeded = (await this.lookAtOutputs()) ?? (await this.lookAtDisk(before));
      if (signal.aborted) return;
      const outputs = JSON.stringify(this.outputs ?? null);
      const isIdle = idle.isIdle({ now: performance.now(), lastLogAt: lastLogAt(), outputs, cpuSeconds });
      const which = exceeded ?? (isIdle ? 'idle' : null);
      if (which === null) continue;
      onExceeded(which);
      return;
    }
  }

  /** The newest look of whoever looked; zeros for a run that was shorter than the first. */
  use(): Promise<ContainerUse> {
    this.newest ??= this.parts.folder.readFact(FACT, ContainerUseSchema).then((fact) => fact ?? NO_USE);
    return this.newest;
  }

  private gap(looks: number): number {
    const most = Math.max(this.parts.limits.idleMs / LOOKS_BEFORE_IDLE, SHORTEST_GAP_MS);
    return Math.min(GAPS_MS[looks] ?? LONGEST_GAP_MS, most);
  }

  /** The processor's use as of now; null when the daemon does not tell. */
  private async sampleUse(signal: AbortSignal): Promise<number | null> {
    const before = await this.use();
    const found = await withinTime(signal, (bounded) => readUse(this.parts.container, bounded)).catch(() => null);
    if (found === null) return null;
    // Where Docker does not count what is written, what the outputs hold was written at least.
    const use = mostOf(before, { ...found, writtenBytes: Math.max(found.writtenBytes, this.outputs?.bytes ?? 0) });
    this.newest = Promise.resolve(use);
    await this.parts.folder.writeFact(FACT, use).catch(() => undefined);
    return use.cpuSeconds;
  }

  private async lookAtOutputs(): Promise<Exceeded | null> {
    const { outputFolders, limits, watchOutputs } = this.parts;
    const [first] = outputFolders;
    if (first === undefined) return null;
    if (!watchOutputs) {
      // They lie together on a file system of their own, which knows without a walk.
      const found = await fs.statfs(first).catch(() => null);
      if (found === null) return null;
      const { blocks, bfree, bsize, files, ffree } = found;
      this.outputs = { bytes: Math.max((blocks - bfree) * bsize - EMPTY_BYTES, 0), entries: files - ffree };
      return null;
    }
    const begun = performance.now();
    if (begun < this.nextWalkAt) return null;
    const found = await measureOutputs(outputFolders, limits).catch(() => null);
    const ended = performance.now();
    this.nextWalkAt = ended + (ended - begun) * REST_AFTER_WALK;
    if (found === null) return null;
    this.outputs = found;
    if (found.bytes > limits.outputBytes) return 'outputBytes';
    return found.entries > limits.outputFiles ? 'outputFiles' : null;
  }

  /** The outputs may be on a file system of their own; the folder around them is on the host's. */
  private scratchOnHost(): string {
    return path.resolve(this.parts.outputFolders[0] ?? '.', '..', '..');
  }

  /** Only who goes on writing has to end for a full disk. */
  private async lookAtDisk(before: OutputSize | undefined): Promise<Exceeded | null> {
    if (before === undefined || this.outputs === undefined || this.outputs.bytes <= before.bytes) return null;
    const space = await readHostSpace(this.scratchOnHost()).catch(() => null);
    return space !== null && isNearlyFull(space) ? 'hostDisk' : null;
  }
}

/** False when the signal aborted before. */
async function elapsed(ms: number, signal: AbortSignal): Promise<boolean> {
  return pause(ms, true, { signal }).catch(() => false);
}

/** Without `AbortSignal.any`, whose signals pile up on one that lives for weeks. */
async function withinTime<T>(signal: AbortSignal, work: (bounded: AbortSignal) => Promise<T>): Promise<T> {
  const bounded = new AbortController();
  const abort = (): void => bounded.abort();
  const timer = setTimeout(abort, ANSWER_MS);
  signal.addEventListener('abort', abort, { once: true });
  try {
    if (signal.aborted) abort();
    return await work(bounded.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}
