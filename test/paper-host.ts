import type { Digest } from '../contract';
import type { Engine, ImageRequest } from '../engine/engine';
import type { SweepReport, SweepRequest } from '../engine/engine';

export const PAPER_IMAGE: Digest = `sha256:${'a'.repeat(64)}`;

/** A host without Docker: it has every image and runs nothing. Remembers which images it was asked for. */
export class PaperHost {
  readonly asked: string[] = [];
  obtain: (request: ImageRequest) => Promise<Digest> = () => Promise.resolve(PAPER_IMAGE);
  sweep: (request: SweepRequest) => Promise<SweepReport> = () =>
    Promise.resolve({ containers: [], folders: [], unanswered: 0, failed: [] });

  constructor(
    readonly name: string,
    private readonly gpus: number,
  ) {}

  readonly engine: Engine = {
    hostName: () => Promise.resolve(this.name),
    ping: () => Promise.resolve(),
    hasRoom: () => true,
    gpuCount: () => this.gpus,
    obtainImage: (request) => {
      this.asked.push(request.reference);
      return this.obtain(request);
    },
    run: () => Promise.reject(new Error('runs nothing')),
    release: () => Promise.resolve(),
    sweep: (request) => this.sweep(request),
    close: () => Promise.resolve(),
  };
}
