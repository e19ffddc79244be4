import * as fs from 'node:fs/promises';
import Docker from 'dockerode';
import { MedperfError } from '../contract';
import type { ActionResult, Digest } from '../contract';
import type { Store } from '../store/store';
import { inspectContainer, isOurs, removeContainer, startContainer, stopContainer } from './container-calls';
import { collectLog } from './container-log';
import { containerName } from './container-name';
import { checkMounts, containerOptions } from './container-options';
import type { ContainerUser } from './container-options';
import { createFailure, engineUnavailable, statusOf } from './daemon-errors';
import type { Engine, ImageRequest, RunRequest } from './engine';
import { detectGpus } from './gpu-inventory';
import { readHostName } from './host-name';
import { ImageSource } from './image-source';
import { KeyedLock } from './keyed-lock';
import { limitFailure } from './limit-failures';
import { collectOutputs, outputsAreFull } from './outputs';
import { killedWithDaemon } from './place-killed';
import { Detached, supervise } from './run-supervision';
import { ScratchFolder } from './scratch-folder';

export interface DockerEngineOptions {
  /** The daemon, or the path of its socket; else what Docker's own environment variables say. */
  readonly docker?: Docker | string;
  readonly store: Store;
  /** A folder of the engine's own, best on the store's file system: inputs are linked into it. */
  readonly workDirectory: string;
  /** Whom containers run as: by default 65532:65532 when this process is root, else this process's own user. */
  readonly user?: ContainerUser;
  /** UUIDs of the GPUs to offer; by default what `nvidia-smi` finds. */
  readonly gpus?: readonly string[];
  /** An OCI runtime that the daemon knows by this name. */
  readonly runtime?: string;
}

const NOBODY: ContainerUser = { uid: 65_532, gid: 65_532 };
const LOG_LINES = 15;

/** Runs actions on one Docker daemon. */
export class DockerEngine implements Engine {
  /** Does not need the daemon to answer yet. Throws when the work directory cannot be made. */
  static async connect(options: DockerEngineOptions): Promise<DockerEngine> {
    await fs.mkdir(options.workDirectory, { recursive: true, mode: 0o700 });
    return new DockerEngine(options, options.gpus ?? (await detectGpus()));
  }

  private readonly docker: Docker;
  private readonly store: Store;
  private readonly user: ContainerUser;
  private readonly images: ImageSource;
  private readonly locks = new KeyedLock();
  private readonly closing = new AbortController();
  private hostFacts: Promise<{ name: string; cpus: number }> | undefined;

  private constructor(
    private readonly options: DockerEngineOptions,
    private readonly gpus: readonly string[],
  ) {
    const { docker } = options;
    this.docker = docker instanceof Docker ? docker : new Docker(docker === undefined ? {} : { socketPath: docker });
    this.store = options.store;
    this.user = options.user ?? ownUser();
    this.images = new ImageSource(this.docker, this.store);
  }

  async hostName(): Promise<string> {
    return (await this.host()).name;
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

  gpuCount(): number {
    return this.gpus.length;
  }

  obtainImage(request: ImageRequest): Promise<Digest> {
    return this.images.obtain(request);
  }

  async run(request: RunRequest): Promise<ActionResult> {
    request.signal.throwIfAborted();
    this.checkRequest(request);
    const attended = { ...request, signal: AbortSignal.any([request.signal, this.closing.signal]) };
    try {
      return await this.runAttended(attended);
    } catch (error) {
      if (this.closing.signal.aborted) throw detached();
      if (!request.signal.aborted) throw error;
      // Who cancels wants to hear that it is cancelled, also where the daemon is gone; the sweep finds what is left.
      await this.release(request).catch(() => undefined);
      throw request.signal.reason;
    }
  }

  async release(request: Pick<RunRequest, 'key' | 'owner'>): Promise<void> {
    const name = containerName(request);
    await this.locks.hold(name, async () => {
      const container = this.docker.getContainer(name);
      const found = await inspectContainer(container);
      if (found !== null) {
        if (!isOurs(found, request)) return;
        if (found.State.Running) await stopContainer(container);
        await removeContainer(container);
      }
      await this.scratch(name).remove();
    });
  }

  /** Lets go of every run: their containers go on, and `run` called again attaches to them. */
  close(): Promise<void> {
    this.closing.abort(new Detached());
    return Promise.resolve();
  }

  private async runAttended(request: RunRequest): Promise<ActionResult> {
    const name = containerName(request);
    const container = this.docker.getContainer(name);
    const startedAt = await this.locks.hold(name, () => this.ensureStarted(request, container));
    request.onProgress({ container: name });
    await supervise(container, startedAt, request, (lastLogLine) =>
      request.onProgress({ container: name, lastLogLine }),
    );
    return this.collect(request, container);
  }

  /** Creates and starts the container unless that was done before. */
  private async ensureStarted(request: RunRequest, container: Docker.Container): Promise<Date> {
    let found = await inspectContainer(container);
    if (found === null) {
      await this.create(request);
      found = await inspectContainer(container);
    }
    if (found !== null && !isOurs(found, request)) throw foreignContainer(container.id);
    if (found?.State.Status === 'created') {
      request.signal.throwIfAborted();
      await startContainer(container, [this.options.workDirectory]);
      found = await inspectContainer(container);
    }
    if (found === null || found.State.Status === 'removing' || found.State.Dead) throw vanished(container.id);
    return new Date(found.State.StartedAt);
  }

  private async create(request: RunRequest): Promise<void> {
    const { name: host, cpus: hostCpus } = await this.host();
    const scratch = this.scratch(containerName(request));
    await scratch.prepare(request, this.store, this.user);
    const { runtime } = this.options;
    const options = containerOptions(request, {
      host,
      hostCpus,
      user: this.user,
      inputFolders: scratch.inputFolders(request),
      outputFolders: scratch.outputFolders(request),
      ...(runtime === undefined ? {} : { runtime }),
    });
    try {
      await this.docker.createContainer(options);
    } catch (error) {
      if (statusOf(error) === 409) return;
      await scratch.remove();
      throw createFailure(error, [this.options.workDirectory]);
    }
  }

  private async collect(request: RunRequest, container: Docker.Container): Promise<ActionResult> {
    const { limits } = request;
    const scratch = this.scratch(containerName(request));
    const [found, log] = await Promise.all([
      inspectContainer(container),
      collectLog(container, this.store, limits.logBytes).catch((error: unknown) => {
        throw engineUnavailable("read the container's log", error);
      }),
    ]);
    if (found === null) throw vanished(container.id);
    const { State: state } = found;
    const folders = scratch.outputFolders(request);
    const tail = log.tail.last(LOG_LINES);
    const end = {
      exitCode: state.ExitCode,
      outOfMemory: state.OOMKilled,
      startedAt: state.StartedAt,
      finishedAt: state.FinishedAt,
      logCut: log.cut,
      outputsFull: state.ExitCode !== 0 && (await outputsAreFull(folders, limits.outputBytes)),
    };
    const exceeded = limitFailure(end, limits, tail);
    if (exceeded !== null) throw exceeded;
    if (await killedWithDaemon(this.docker, found)) {
      await this.release(request);
      throw vanished(container.id);
    }
    return {
      key: request.key,
      exitCode: state.ExitCode,
      outputs: state.ExitCode === 0 ? await collectOutputs(this.store, request, folders, tail) : {},
      log: log.blob,
      startedAt: state.StartedAt,
      finishedAt: state.FinishedAt,
      host: await this.hostName(),
    };
  }

  private checkRequest(request: RunRequest): void {
    checkMounts(request);
    if (request.gpus <= this.gpus.length) return;
    throw new MedperfError('InvalidRequest', {
      what: 'The task asks for more GPUs than this host has.',
      expected: `at most ${this.gpus.length}`,
      found: String(request.gpus),
      next: 'Ask for fewer GPUs (--gpus), or start a container worker on a host that has them.',
    });
  }

  private scratch(name: string): ScratchFolder {
    return new ScratchFolder(this.options.workDirectory, name);
  }

  /** Asked once; a failure is not remembered. */
  private host(): Promise<{ name: string; cpus: number }> {
    this.hostFacts ??= this.readHost().catch((error: unknown) => {
      this.hostFacts = undefined;
      throw error;
    });
    return this.hostFacts;
  }

  private async readHost(): Promise<{ name: string; cpus: number }> {
    const name = await readHostName(this.docker);
    const info = (await this.docker.info().catch((error: unknown) => {
      throw engineUnavailable('tell its number of processors', error);
    })) as { NCPU: number };
    return { name, cpus: info.NCPU };
  }
}

function ownUser(): ContainerUser {
  const [uid, gid] = [process.getuid?.(), process.getgid?.()];
  return uid === undefined || gid === undefined || uid === 0 ? NOBODY : { uid, gid };
}

function foreignContainer(name: string): MedperfError {
  return new MedperfError('InvalidRequest', {
    what: `A container named ${name} is there already and belongs to somebody else.`,
    next: 'Rename or remove that container, then start the run again.',
  });
}

function vanished(name: string): MedperfError {
  return new MedperfError('EngineUnavailable', {
    what: `The container ${name} was ended from outside: by the Docker daemon's stop or by hand.`,
    next: 'Nothing; the task is run again by itself.',
  });
}

function detached(): MedperfError {
  return new MedperfError('EngineUnavailable', {
    what: 'The worker stops and lets go of the running container.',
    next: "Nothing; the host's next worker goes on with it.",
  });
}
