import { DEFAULT_IMAGE_HOST, MedperfError, parseImageReference } from '../contract';
import type { Digest, ImageReference } from '../contract';
import type { ImageArchive } from './docker-archive';
import { pushImage } from './image-push';
import type { PushedImage, PushOptions } from './image-push';
import type { ImageRegistries } from './oci-registry';

/** Hex digits of an image's id in its tag, which keeps registries from clearing the image away as untagged. */
const TAG_DIGITS = 12;

/** Puts images where the world can pull them. Every call is idempotent. */
export interface ImagePublisher {
  publish(
    name: string,
    imageId: Digest,
    options: Pick<PushOptions, 'signal' | 'unfinished' | 'onUnfinished' | 'onProgress'>,
  ): Promise<PushedImage>;
}

export interface RegistryImagePublisherOptions {
  readonly registries: ImageRegistries;
  /** `HOST/NAMESPACE`: below it every cube has a repository of its name. */
  readonly place: string;
  /** The image as this host's Docker saves it. */
  readonly archive: (imageId: Digest) => ImageArchive;
}

/** Publishes into an OCI registry as `HOST/NAMESPACE/NAME`, tagged by the image's id. */
export class RegistryImagePublisher implements ImagePublisher {
  /** @throws MedperfError `InvalidRequest` for a place that no image can have. */
  constructor(private readonly options: RegistryImagePublisherOptions) {
    refuseImagePlace(options.place);
  }

  publish(name: string, imageId: Digest, options: Parameters<ImagePublisher['publish']>[2]): Promise<PushedImage> {
    const { registries, place, archive } = this.options;
    const target = { ...publishedName(place, name), tag: imageId.slice('sha256:'.length).slice(0, TAG_DIGITS) };
    return pushImage(registries, archive(imageId), target, { ...options, imageId });
  }
}

/** @throws MedperfError `InvalidRequest` for a place that no image can have. */
export function refuseImagePlace(place: string): void {
  publishedName(place, 'name');
}

/** A cube's repository: its name in the letters that a repository can have. */
function publishedName(place: string, name: string): ImageReference {
  const plain =
    name
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-|-$/g, '') || 'cube';
  const reference = parseImageReference(`${place.replace(/\/+$/, '')}/${plain}`);
  if (reference?.tag === 'latest' && (reference.host !== DEFAULT_IMAGE_HOST || place.startsWith(DEFAULT_IMAGE_HOST))) {
    return reference;
  }
  throw new MedperfError('InvalidRequest', {
    what: 'Images cannot be published there.',
    expected: 'HOST/NAMESPACE of an image registry, such as images.example.org/medperf',
    found: JSON.stringify(place.slice(0, 100)),
    next: 'Correct --host-image-registry.',
  });
}
