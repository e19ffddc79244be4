import type Docker from 'dockerode';
import type { ActionResult } from '../contract';
import type { Store } from '../store/store';
import {
  inspectContainer,
  isOurs,
  removeContainer,
  removeVolumes,
  startContainer,
  stopContainer,
} from './container-calls';
import { containerName } from './container-name';
import { containerOptions } from './container-options';
import type { ContainerUser } from './container-options';
import { createFailure, engineUnavailable, statusOf } from './daemon-errors';
import { endedFromOutside } from './ended-from-outside';
import type { RunKey, RunRequest } from './engine';
import type { Gpu } from './gpu-inventory';
import type { GpuLeases } from './gpu-leases';
import { EndedBySchema, limitFailure } from './limit-failures';
import type { EndedBy } from './limit-failures';
import { LogRecorder } from './log-recorder';
import type { RecordedLog } from './log-recorder';
import type { OutputSpace } from './output-space';
import { collectOutputs, outputsAreFull } from './outputs';
import { ResourceSampler } from './resource-sampler';
import { foreignContainer, vanished } from './run-failures';
import type { RunSlots } from './run-slots';
import { supervise } from './run-supervision';
import { ScratchFolder } from './scratch-folder';

/** What all runs on one host share. */
export interface RunPlace {
  readonly docker: Docker;
  readonly store: Store;
  readonly workDirectory: string;
  readonly host: string;
  readonly hostCpus: number;
  readonly user: ContainerUser;
  readonly space: OutputSpace;
  readonly leases: GpuLeases;
  readonly slots: RunSlots;
  readonly runtime?: string;
}

const LOG_LINES = 15;
const GRACE_S = 5;
const ENDED_BY = 'ended-by';

/** Removes a run's container and folder; somebody else's container of that name stays. */
export async function releaseRun(place: RunPlace, run: RunKey): Promise<void> {
  const name = containerName(run);
  const container = place.docker.getContainer(name);
  const found = await inspectContainer(container);
  if (found !== null) {
    if (!isOurs(found, run)) return;
    await removeContainer(container);
    place.leases.changed();
  }
  if (found === null || found.Mounts.some(({ Type }) => Type === 'volume')) await removeVolumes(place.docker, name);
  await new ScratchFolder(place.workDirectory, name).remove(place.space);
}

/** One run, from wherever an earlier worker left it to its result. Whoever calls sees to one call at a time. */
export class ContainerRun {
  private readonly name: string;
  private readonly container: Docker.Container;
  private readonly scratch: ScratchFolder;
  private readonly recorder: LogRecorder;
  private readonly sampler: ResourceSampler;
  private hasSlot = false;

  constructor(
    private readonly place: RunPlace,
    private readonly request: RunRequest,
  ) {
    const { docker, store, workDirectory, space } = place;
    this.name = containerName(request);
    this.container = docker.getContainer(this.name);
    this.scratch = new ScratchFolder(workDirectory, this.name);
    this.recorder = new LogRecorder({
      container: this.container,
      name: this.name,
      folder: this.scratch,
      store,
      maxBytes: request.limits.logBytes,
    });
    this.sampler = new ResourceSampler({
      container: this.container,
      folder: this.scratch,
      outputFolders: this.scratch.outputFolders(request),
      limits: request.limits,
      watchOutputs: space.bound === 'watched',
    });
  }

  /** Creates and starts the container unless that was done before. */
  async ensureStarted(): Promise<void> {
    const { request, scratch } = this;
    let found = await inspectContainer(this.container);
    if (found !== null && !isOurs(found, request)) throw foreignContainer(this.name);
    if (found !== null && !(await this.orRelease(() => scratch.attach(this.place.space)))) {
      await this.release();
      throw vanished(this.name, 'its files are no longer on this host');
    }
    if (found === null) {
      await this.create();
      found = await inspectContainer(this.container);
    } else this.enterSlot();
    if (found?.State.Status === 'created') {
      request.signal.throwIfAborted();
      await startContainer(this.container, [this.place.workDirectory]);
    }
  }

  /** Follows the container to its end, and ends it itself at a limit. */
  async watch(): Promise<void> {
    const { State: state } = await this.found();
    const { name, request, scratch, recorder, container } = this;
    const { limits, signal } = request;
    request.onProgress({ container: name, log: name, startedAt: state.StartedAt });
    if (!state.Running) return;
    const outputFolders = scratch.outputFolders(request);
    const endedBy = await supervise({
      container,
      startedAt: new Date(state.StartedAt),
      limits,
      recorder,
      sampler: this.sampler,
      outputFolders,
      signal,
      onProgress: (progress) => request.onProgress({ container: name, ...progress }),
    });
    if (endedBy === null) return;
    // Remembered first: a worker that comes after this one has to reach the same verdict.
    await scratch.writeFact(ENDED_BY, endedBy);
    await stopContainer(container, endedBy === 'wallClock' || endedBy === 'idle' ? GRACE_S : 0);
  }

  /** The result of a container that has ended. */
  async collect(): Promise<ActionResult> {
    const { request, scratch } = this;
    await this.orRelease(() => scratch.settle(this.place.space));
    const [found, log] = await Promise.all([this.found(), this.log()]);
    const { State: state } = found;
    await this.judge(found, log);
    const folders = scratch.outputFolders(request);
    const wallSeconds = (Date.parse(state.FinishedAt) - Date.parse(state.StartedAt)) / 1000;
    const outputs =
      state.ExitCode === 0 ? await collectOutputs(this.place.store, request, folders, log.tail.last(LOG_LINES)) : {};
    return {
      key: request.key,
      exitCode: state.ExitCode,
      outputs,
      log: log.blob,
      startedAt: state.StartedAt,
      finishedAt: state.FinishedAt,
      host: this.place.host,
      resources: { wallSeconds, ...(await this.sampler.use()), gpuSeconds: request.gpus * wallSeconds },
      outputBound: this.place.space.bound,
    };
  }

  /** Lets the next run begin; to be called once nothing of this one runs here any more, or nobody watches it. */
  leaveSlot(): void {
    if (this.hasSlot) this.place.slots.leave();
    this.hasSlot = false;
  }

  /** Stops and removes the container; its log stays in the store, where the run got that far. */
  async abandon(): Promise<void> {
    const found = await inspectContainer(this.container);
    if (found !== null && isOurs(found, this.request)) {
      if (found.State.Running) await stopContainer(this.container, GRACE_S);
      await this.recorder.finish().catch(() => undefined);
    }
    await this.release();
  }

  /** A run whose folders are lost is of no use to the next attempt. */
  private async orRelease<T>(step: () => Promise<T>): Promise<T> {
    try {
      return await step();
    } catch (error) {
      await this.release();
      throw error;
    }
  }

  private release(): Promise<void> {
    return releaseRun(this.place, this.request);
  }

  private async create(): Promise<void> {
    const { place, request, scratch, name } = this;
    const { docker, leases } = place;
    await this.takeSlot();
    await scratch.prepare(request, place);
    try {
      const imageVolumes = await this.imageVolumes();
      const make = async (gpus: readonly Gpu[]): Promise<void> => {
        const folders = { inputFolders: scratch.inputFolders(request), outputFolders: scratch.outputFolders(request) };
        await docker.createContainer(containerOptions(request, { ...place, ...folders, imageVolumes, gpus }));
      };
      if (request.gpus === 0) await make([]);
      else await leases.lease(name, request.gpus, { signal: request.signal, onWait: this.tellWaiting }, make);
    } catch (error) {
      if (statusOf(error) === 409) return;
      await scratch.remove(place.space);
      request.signal.throwIfAborted();
      throw createFailure(error, [place.workDirectory]);
    }
  }

  /** What a run with GPUs waits for is the GPUs. */
  private async takeSlot(): Promise<void> {
    const { place, request } = this;
    if (request.gpus > 0) return;
    const tell = (ahead: number): void =>
      request.onProgress({ message: `waits for other tasks on this host to end, behind ${ahead} more` });
    await place.slots.take(request.signal, tell);
    this.hasSlot = true;
  }

  private enterSlot(): void {
    if (this.request.gpus > 0 || this.hasSlot) return;
    this.place.slots.enter();
    this.hasSlot = true;
  }

  private readonly tellWaiting = ({ ahead, free }: { ahead: number; free: number }): void => {
    const { gpus } = this.request;
    this.request.onProgress({ message: `waits for ${gpus} GPU(s): ${free} free, ${ahead} task(s) ahead` });
  };

  /** Folders that the image declares as volumes, which Docker would make writable and without bound. */
  private async imageVolumes(): Promise<string[]> {
    return volumesOf(await this.place.docker.getImage(this.request.action.imageId).inspect());
  }

  private async judge(found: Docker.ContainerInspectInfo, log: RecordedLog): Promise<void> {
    const { State: state } = found;
    const { limits } = this.request;
    const endedBy = await this.endedBy(log);
    const folders = this.scratch.outputFolders(this.request);
    const end = {
      endedBy,
      exitCode: state.ExitCode,
      outOfMemory: state.OOMKilled,
      startedAt: state.StartedAt,
      finishedAt: state.FinishedAt,
      outputsFull: state.ExitCode !== 0 && (await outputsAreFull(folders, limits)),
    };
    const exceeded = limitFailure(end, limits, log.tail.last(LOG_LINES));
    if (exceeded !== null) {
      // The place's failure is worth another attempt, which must not find this run again.
      if (exceeded.type === 'EngineUnavailable') await this.release();
      throw exceeded;
    }
    if (await endedFromOutside(this.place.docker, found)) {
      await this.release();
      throw vanished(this.name, "ended from outside: by the Docker daemon's stop or by hand");
    }
  }

  private async endedBy(log: RecordedLog): Promise<EndedBy | null> {
    return (await this.scratch.readFact(ENDED_BY, EndedBySchema)) ?? (log.cut ? 'logBytes' : null);
  }

  private async log(): Promise<RecordedLog> {
    try {
      return await this.recorder.finish();
    } catch (error) {
      throw engineUnavailable("read the container's log", error);
    }
  }

  private async found(): Promise<Docker.ContainerInspectInfo> {
    const found = await inspectContainer(this.container);
    if (found === null || found.State.Status === 'removing' || found.State.Dead) throw vanished(this.name, 'removed');
    return found;
  }
}

/** Docker answers null for an image without volumes, whatever the library's types say. */
function volumesOf({ Config: { Volumes } }: { Config: { Volumes?: object | null } }): string[] {
  return Object.keys(Volumes ?? {});
}
