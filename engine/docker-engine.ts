import * as fs from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { Readable } from 'node:stream';
import Docker from 'dockerode';
import type { ActionResult, Digest } from '../contract';
import type { Store } from '../store/store';
import { ContainerRun, releaseRun } from './container-run';
import type { RunPlace } from './container-run';
import { removeVolumes } from './container-calls';
import { containerName, LABELS } from './container-name';
import { checkMounts } from './container-options';
import type { ContainerUser } from './container-options';
import { engineUnavailable } from './daemon-errors';
import type { Engine, ImageRequest, RunKey, RunRequest, SweepReport, SweepRequest } from './engine';
import { readGpus } from './gpu-inventory';
import type { Gpu, GpuSource } from './gpu-inventory';
import { GpuLeases, tooManyGpus } from './gpu-leases';
import { readHostName } from './host-name';
import { ImageRoom } from './image-room';
import type { AskTransferBytes } from './image-room';
import { ImageSource } from './image-source';
import { KeyedLock } from './keyed-lock';
import { OutputSpace } from './output-space';
import { detached, unknownRuntime } from './run-failures';
import { RunSlots } from './run-slots';
import { Detached } from './run-supervision';
import { ScratchFolder } from './scratch-folder';
import { sweepLeftovers } from './sweep';

export interface DockerEngineOptions {
  /** The daemon, or the path of its socket; else what Docker's own environment variables say. */
  readonly docker?: Docker | string;
  readonly store: Store;
  /** A folder of the engine's own, best on the store's file system: inputs are linked into it. */
  readonly workDirectory: string;
  /** Whom containers run as: by default 65532:65532 when this process is root, else this process's own user. */
  readonly user?: ContainerUser;
  /** The GPUs to lease; by default those that `nvidia-smi` finds. */
  readonly gpus?: GpuSource;
  /** An OCI runtime that the daemon knows by this name. */
  readonly runtime?: string;
  /** What a pull will bring; without it a pull does not wait for room on the daemon's disk. */
  readonly transferBytes?: AskTransferBytes;
  /** Runs without a GPU at once; by default as many as there are processors, and two at least. */
  readonly slots?: number;
}

interface HostFacts {
  readonly host: string;
  readonly cpus: number;
}

/** A workflow's model and its reference run side by side. */
const LEAST_SLOTS = 2;
const NOBODY: ContainerUser = { uid: 65_532, gid: 65_532 };
/** In these a container has its GPUs, or may come to have them. */
const LEASING_STATES = ['created', 'running', 'paused', 'restarting'];

/** Runs actions on one Docker daemon. */
export class DockerEngine implements Engine {
  /** Does not need the daemon to answer yet. Throws when the work directory cannot be made. */
  static async connect(options: DockerEngineOptions): Promise<DockerEngine> {
    await fs.mkdir(options.workDirectory, { recursive: true, mode: 0o700 });
    const [gpus, space] = await Promise.all([
      readGpus(options.gpus ?? 'detect'),
      OutputSpace.find(options.workDirectory),
    ]);
    return new DockerEngine(options, gpus, space);
  }

  private readonly docker: Docker;
  private readonly images: ImageSource;
  private readonly leases: GpuLeases;
  private readonly slots: RunSlots;
  private readonly locks = new KeyedLock();
  private readonly closing = new AbortController();
  private knownFacts: Promise<HostFacts> | undefined;

  private constructor(
    private readonly options: DockerEngineOptions,
    private readonly gpus: readonly Gpu[],
    private readonly space: OutputSpace,
  ) {
    const { docker } = options;
    this.docker = docker instanceof Docker ? docker : new Docker(docker === undefined ? {} : { socketPath: docker });
    const { transferBytes = () => Promise.resolve(null) } = options;
    this.images = new ImageSource(this.docker, options.store, new ImageRoom(this.docker, transferBytes));
    this.leases = new GpuLeases(gpus, () => this.readLedger());
    this.slots = new RunSlots(options.slots ?? Math.max(LEAST_SLOTS, availableParallelism()));
  }

  async ping(signal?: AbortSignal): Promise<void> {
    try {
      // The library's types lag behind it: `ping` takes options.
      const daemon = this.docker as unknown as { ping: (options: { abortSignal?: AbortSignal }) => Promise<unknown> };
      await daemon.ping(signal === undefined ? {} : { abortSignal: signal });
    } catch (error) {
      signal?.throwIfAborted();
      throw engineUnavailable('answer', error);
    }
  }

  async hostName(): Promise<string> {
    return (await this.facts()).host;
  }

  hasRoom(): boolean {
    return this.slots.hasRoom();
  }

  gpuCount(): number {
    return this.gpus.length;
  }

  /** Asked once; a failure is not remembered. */
  private facts(): Promise<HostFacts> {
    this.knownFacts ??= this.readFacts().catch((error: unknown) => {
      this.knownFacts = undefined;
      throw error;
    });
    return this.knownFacts;
  }

  obtainImage(request: ImageRequest): Promise<Digest> {
    return this.images.obtain(request);
  }

  /** The image as `docker save` writes it; each call makes the daemon write it anew. */
  async saveImage(imageId: Digest): Promise<Readable> {
    try {
      return Readable.from(await this.docker.getImage(imageId).get(), { objectMode: false });
    } catch (error) {
      throw engineUnavailable('save an image', error);
    }
  }

  async run(request: RunRequest): Promise<ActionResult> {
    request.signal.throwIfAborted();
    checkMounts(request);
    if (request.gpus > this.gpus.length) throw tooManyGpus(request.gpus, this.gpus.length);
    const signal = AbortSignal.any([request.signal, this.closing.signal]);
    try {
      return await this.toItsEnd(await this.containerRun({ ...request, signal }), containerName(request));
    } catch (error) {
      if (this.closing.signal.aborted) throw detached();
      if (!request.signal.aborted) throw error;
      // Who cancels wants to hear that it is cancelled, also where the daemon is gone; the sweep finds what is left.
      await this.abandon(request).catch(() => undefined);
      throw request.signal.reason;
    }
  }

  async release(run: RunKey): Promise<void> {
    const place = await this.place();
    await this.locks.hold(containerName(run), () => releaseRun(place, run));
  }

  async sweep(request: SweepRequest): Promise<SweepReport> {
    const place = await this.place();
    // Also of drafts and half removed ones, whose names go on behind the run's.
    const release = (folder: string): Promise<void> => {
      const [name = folder] = folder.split('.');
      return this.locks.hold(name, async () => {
        await removeVolumes(this.docker, name);
        await new ScratchFolder(place.workDirectory, folder).remove(place.space);
      });
    };
    return sweepLeftovers({ ...request, docker: this.docker, workDirectory: this.options.workDirectory, release });
  }

  /** Lets go of every run: their containers go on, and `run` called again attaches to them. */
  close(): Promise<void> {
    this.closing.abort(new Detached());
    return Promise.resolve();
  }

  private async toItsEnd(run: ContainerRun, name: string): Promise<ActionResult> {
    try {
      await this.locks.hold(name, () => run.ensureStarted());
      await run.watch();
    } finally {
      run.leaveSlot();
    }
    this.leases.changed();
    return run.collect();
  }

  private async abandon(request: RunRequest): Promise<void> {
    const run = await this.containerRun(request);
    await this.locks.hold(containerName(request), () => run.abandon());
    this.leases.changed();
  }

  private async containerRun(request: RunRequest): Promise<ContainerRun> {
    return new ContainerRun(await this.place(), request);
  }

  private async place(): Promise<RunPlace> {
    const { host, cpus: hostCpus } = await this.facts();
    const { docker, space, leases, slots } = this;
    const { store, workDirectory, runtime, user = ownUser() } = this.options;
    const common = { docker, store, workDirectory, host, hostCpus, user, space, leases, slots };
    return runtime === undefined ? common : { ...common, runtime };
  }

  private async readLedger(): Promise<{ holder: string; uuids: string[] }[]> {
    const filters = { label: [LABELS.gpus], status: LEASING_STATES };
    const containers = await this.docker.listContainers({ all: true, filters }).catch((error: unknown) => {
      throw engineUnavailable('list the containers that hold GPUs', error);
    });
    return containers.map(({ Names, Labels }) => ({
      holder: (Names[0] ?? '').replace(/^\//, ''),
      uuids: (Labels[LABELS.gpus] ?? '').split(','),
    }));
  }

  private async readFacts(): Promise<HostFacts> {
    const host = await readHostName(this.docker);
    const info = (await this.docker.info().catch((error: unknown) => {
      throw engineUnavailable('describe itself', error);
    })) as { NCPU: number; Runtimes?: Record<string, unknown> };
    const { runtime } = this.options;
    const known = Object.keys(info.Runtimes ?? {});
    if (runtime !== undefined && !known.includes(runtime)) throw unknownRuntime(runtime, known);
    return { host, cpus: info.NCPU };
  }
}

function ownUser(): ContainerUser {
  const [uid, gid] = [process.getuid?.(), process.getgid?.()];
  return uid === undefined || gid === undefined || uid === 0 ? NOBODY : { uid, gid };
}
