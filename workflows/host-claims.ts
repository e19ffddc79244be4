import { ActivityFailure, CancellationScope, isCancellation, TimeoutFailure } from '@temporalio/workflow';
import type { ClaimedHost, Cube, Digest } from '../contract';
import type { StageRecorder } from './progress-recorder';
import { claims, onHost } from './proxies';

/** A cube whose image is present on the claimed host. */
export interface ReadyCube {
  readonly cube: Cube;
  readonly imageId: Digest;
}

/** Claims a host once something has to be done there, and keeps it for the rest of the run. */
export class HostDesk {
  private claimed: Promise<ClaimedHost> | null = null;
  private readonly givenUp = new Set<string>();

  constructor(
    private readonly gpus: number,
    private readonly stage: StageRecorder,
  ) {}

  /** Works on the claimed host; when that host stops taking steps, claims anew and goes on from what is recorded. */
  async on<T>(work: (host: ClaimedHost) => Promise<T>): Promise<T> {
    for (;;) {
      const claim = (this.claimed ??= this.claim());
      const host = await claim.catch((error: unknown) => {
        this.letGo(claim);
        throw error;
      });
      try {
        return await work(host);
      } catch (error) {
        if (!isHostLost(error)) throw error;
        this.givenUp.add(host.host);
        this.letGo(claim);
      }
    }
  }

  /** Another step may have claimed anew meanwhile. */
  private letGo(claim: Promise<ClaimedHost>): void {
    if (this.claimed === claim) this.claimed = null;
  }

  private claim(): Promise<ClaimedHost> {
    const input = { gpus: this.gpus, avoid: [...this.givenUp] };
    return this.stage.step(
      'claim-host',
      this.gpus > 0 ? `claim a host with ${this.gpus} GPU(s)` : 'claim a host',
      () => claims['medperf.claimHost'].executeWithOptions({ activityId: 'claim-host' }, [input]),
      ({ host }) => ({ host }),
    );
  }
}

/** For work on one host alone. */
export function onSomeHost<T>(gpus: number, stage: StageRecorder, work: (host: ClaimedHost) => Promise<T>): Promise<T> {
  return new HostDesk(gpus, stage).on(work);
}

/**
 * Steps on one host at the same time; none of them outlives the call. When one fails the others are cancelled, unless it
 * was not taken in time: what runs meanwhile shows a busy host, and is worth its end.
 */
export async function sideBySide<const T extends readonly (() => Promise<unknown> | null)[]>(
  works: T,
): Promise<{ -readonly [K in keyof T]: Awaited<ReturnType<T[K]>> }> {
  const scope = new CancellationScope();
  const ends = await scope.run(() =>
    Promise.allSettled(
      works.map(async (work) => {
        try {
          return await work();
        } catch (error) {
          if (!isHostLost(error)) scope.cancel();
          throw error;
        }
      }),
    ),
  );
  const failures = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []));
  if (failures.length > 0) throw failures.find((error) => !isHostLost(error) && !isCancellation(error)) ?? failures[0];
  return ends.map((end) => (end.status === 'fulfilled' ? end.value : null)) as {
    -readonly [K in keyof T]: Awaited<ReturnType<T[K]>>;
  };
}

export async function obtainImage(
  host: ClaimedHost,
  role: string,
  cube: Cube,
  offline: boolean,
  stage: StageRecorder,
): Promise<ReadyCube> {
  const activityId = `image-${role}`;
  const { imageId } = await stage.step(activityId, `obtain the image of ${cube.name}`, () =>
    onHost(host)['medperf.obtainImage'].executeWithOptions({ activityId, summary: cube.image.reference }, [
      { cube, offline },
    ]),
  );
  return { cube, imageId };
}

function isHostLost(error: unknown): boolean {
  return (
    error instanceof ActivityFailure &&
    error.cause instanceof TimeoutFailure &&
    error.cause.timeoutType === 'SCHEDULE_TO_START'
  );
}
