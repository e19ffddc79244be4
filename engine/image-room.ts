import type Docker from 'dockerode';
import { z } from 'zod';
import { readHostSpace } from '../store/host-space';
import { SpaceAdmission } from '../store/space-admission';
import type { SpaceShare, SpaceWaiting } from '../store/space-admission';
import { engineUnavailable } from './daemon-errors';

/** Bytes that a pull of an image for an architecture (in Go's words) transfers, or null where its registry does not tell. */
export type AskTransferBytes = (reference: string, architecture: string, signal: AbortSignal) => Promise<number | null>;

/** Layers lie there as they were sent until each is unpacked, to about twice as much. */
const PULLED_FACTOR = 3;
/** The daemon puts an archive's layers aside before it unpacks them. */
const LOADED_FACTOR = 2;

const daemonFacts = z.tuple([z.object({ DockerRootDir: z.string() }), z.object({ Arch: z.string() })]);

interface Disk {
  readonly admission: SpaceAdmission;
  readonly architecture: string;
}

/** Room for images on the daemon's disk, as far as it is a disk of this machine and their size can be told. */
export class ImageRoom {
  private found: Promise<Disk> | undefined;

  constructor(
    private readonly docker: Docker,
    private readonly transferBytes: AskTransferBytes,
  ) {}

  /** Waits for the room that a pull needs. Null when nobody can tell; else to be released when the pull has ended. */
  async forPull(reference: string, signal: AbortSignal, onWait: SpaceWaiting['onWait']): Promise<SpaceShare | null> {
    if (!this.isHere()) return null;
    const { admission, architecture } = await this.disk();
    const bytes = await this.transferBytes(reference, architecture, signal);
    return bytes === null ? null : admission.admit(bytes * PULLED_FACTOR, { signal, onWait });
  }

  /** As {@link forPull}, for a `docker load` archive of so many bytes. */
  async forArchive(bytes: number, signal: AbortSignal, onWait: SpaceWaiting['onWait']): Promise<SpaceShare | null> {
    if (!this.isHere()) return null;
    return (await this.disk()).admission.admit(bytes * LOADED_FACTOR, { signal, onWait });
  }

  /** A daemon that is reached over the network has its disk elsewhere. */
  private isHere(): boolean {
    return (this.docker.modem as { socketPath?: unknown }).socketPath !== undefined;
  }

  /** Asked once; a failure is not remembered. */
  private disk(): Promise<Disk> {
    this.found ??= this.readDisk().catch((error: unknown) => {
      this.found = undefined;
      throw error;
    });
    return this.found;
  }

  private async readDisk(): Promise<Disk> {
    const told = await Promise.all([this.docker.info(), this.docker.version()]).catch((error: unknown) => {
      throw engineUnavailable('describe itself', error);
    });
    const [{ DockerRootDir: folder }, { Arch: architecture }] = daemonFacts.parse(told);
    return { admission: new SpaceAdmission("Docker's disk", () => readHostSpace(folder)), architecture };
  }
}
