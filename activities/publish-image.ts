import { hostedFileNames, MedperfError } from '../contract';
import type { Heartbeat, PublishedImage, PublishImageInput } from '../contract';
import type { Engine } from '../engine/engine';
import type { ImagePublisher } from '../hosting/image-publisher';
import { canonicalYaml } from '../mlcube/canonical-yaml';
import { plainYaml } from '../mlcube/plain-yaml';
import { pinImage } from '../mlcube/image-pin';
import type { Store } from '../store/store';
import { descriptionText } from './cube-files';

export interface PublishImagePlace {
  readonly engine: Pick<Engine, 'obtainImage'>;
  readonly store: Store;
  /** Null where the operator named no registry. */
  readonly publisher: ImagePublisher | null;
  readonly signal: AbortSignal;
  readonly tell: (details: Heartbeat) => void;
  /** What an earlier attempt told last. */
  readonly before: Heartbeat | undefined;
}

/** Pushes a cube's image from this host and names it by its digest in the manifest that will be hosted. */
export async function publishImage(
  { engine, store, publisher, signal, tell, before }: PublishImagePlace,
  { name, format, image, manifest }: PublishImageInput,
): Promise<PublishedImage> {
  if (publisher === null) throw noPlace();
  const unfinished = before?.uploads ?? {};
  tell({ uploads: unfinished });
  const request = { reference: image, expectedId: null, offline: false, signal, onProgress: tell };
  const imageId = await engine.obtainImage(request);
  const { pinned } = await publisher.publish(name, imageId, {
    signal,
    unfinished,
    onUnfinished: (uploads) => tell({ uploads }),
    onProgress: ({ sentBytes, totalBytes }) =>
      tell({
        message: `pushing ${image}`,
        ...(totalBytes === 0 ? {} : { share: Math.min(sentBytes / totalBytes, 1) }),
      }),
  });
  const text = await descriptionText(store, manifest.digest);
  const changed = format === 'mlcube' ? pinImage(text, pinned) : pinContainer(text, pinned);
  return { pinned, imageId, manifest: await store.putBytes(changed) };
}

function pinContainer(text: string, image: string): string {
  return canonicalYaml({ ...plainYaml(text, hostedFileNames.containerConfig), container_type: 'DockerImage', image });
}

function noPlace(): MedperfError {
  return new MedperfError('InvalidRequest', {
    what: 'This container host has no registry to push images to.',
    expected: 'a place in an image registry',
    next: 'start its worker with --host-image-registry HOST/NAMESPACE, or push the image yourself and leave --with-image out.',
  });
}
