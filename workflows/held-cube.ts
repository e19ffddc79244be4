import type { ClaimedHost, Cube, Digest, IdentifiedCube } from '../contract';
import { obtainImage } from './host-claims';
import type { HostDesk, ReadyCube } from './host-claims';
import { byteMoving } from './proxies';
import type { StageRecorder } from './progress-recorder';

/** A cube of a test, whose files and image are brought only when a container of it has to run. */
export class HeldCube {
  private fetched: Promise<Cube> | null = null;
  private readonly images = new Map<string, Promise<ReadyCube>>();

  constructor(
    private readonly role: string,
    private readonly identified: IdentifiedCube,
    private readonly offline: boolean,
    private readonly stage: StageRecorder,
  ) {}

  /** What it is; its files are fetched only where nothing else tells. */
  async cube(): Promise<Cube> {
    return this.identified.known ?? this.fetch();
  }

  /** With its image, as far as both are known without a host. */
  get known(): ReadyCube | null {
    const { known, imageId } = this.identified;
    return known === null || imageId === null ? null : { cube: known, imageId };
  }

  get ranBefore(): boolean {
    return this.identified.ranBefore;
  }

  /** The image's id, on a host where nothing else tells. */
  async imageId(desk: HostDesk): Promise<Digest> {
    return this.identified.imageId ?? (await desk.on((host) => this.ready(host))).imageId;
  }

  /** Files in the store and the image on the host. */
  ready(host: ClaimedHost): Promise<ReadyCube> {
    const known = this.images.get(host.host);
    if (known !== undefined) return known;
    const obtaining = this.obtain(host).catch((error: unknown) => {
      this.images.delete(host.host);
      throw error;
    });
    this.images.set(host.host, obtaining);
    return obtaining;
  }

  private async obtain(host: ClaimedHost): Promise<ReadyCube> {
    return obtainImage(host, this.role, await this.fetch(), this.offline, this.stage);
  }

  private fetch(): Promise<Cube> {
    return (this.fetched ??= this.fetchFiles());
  }

  private async fetchFiles(): Promise<Cube> {
    const { ref, tasks, known } = this.identified;
    // What the client put into the store is there.
    if (ref.kind === 'local' && known !== null) return known;
    const activityId = `fetch-${this.role}`;
    const name = ref.kind === 'local' ? ref.label : ref.name;
    return this.stage.step(activityId, `fetch and check the ${this.role}, ${name}`, () =>
      byteMoving['medperf.fetchCube'].executeWithOptions({ activityId, summary: `${this.role}: ${name}` }, [
        { cube: ref, tasks, offline: this.offline },
      ]),
    );
  }
}
