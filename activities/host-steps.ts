import { MedperfError } from '../contract';
import type { ClaimedHost, ClaimHostInput, Heartbeat, ObtainedImage, ObtainImageInput } from '../contract';
import type { Engine } from '../engine/engine';

/** Gives the asking workflow this host, if its Docker answers and it has what the model needs. */
export async function claimHost(engine: Engine, { gpus }: ClaimHostInput, signal: AbortSignal): Promise<ClaimedHost> {
  await engine.ping(signal);
  if (gpus > engine.gpuCount()) {
    throw new MedperfError('InvalidRequest', {
      what: `The run asks for ${gpus} GPU(s).`,
      expected: `at most ${engine.gpuCount()} on the host ${await engine.hostName()}`,
      found: String(gpus),
      next: 'leave --gpus out to run on the CPU, or start a worker on a host with that many GPUs.',
    });
  }
  return { host: await engine.hostName() };
}

/** Makes a cube's image present on this host and checks that it is the promised one. */
export async function obtainImage(
  engine: Engine,
  { cube, offline }: ObtainImageInput,
  signal: AbortSignal,
  tell: (details: Heartbeat) => void,
): Promise<ObtainedImage> {
  const imageId = await engine.obtainImage({ ...cube.image, offline, signal, onProgress: tell });
  return { imageId };
}
