import {
  formatImageReference,
  hostedFileNames,
  isDigest,
  MedperfError,
  parseImageReference,
  toMedperfHash,
} from '../contract';
import type { BlobRef, Cube, CubeImage, Digest, HostedContainer, HostedRef, Task } from '../contract';
import { plainYaml } from '../mlcube/plain-yaml';
import { readsOwnVolume, requireContainerDefinition } from '../mlcube/container-definition';
import type { ContainerDefinition } from '../mlcube/container-definition';
import type { ImageRegistries } from '../hosting/oci-registry';
import { shownUrl } from '../store/file-request';
import { checkTasks } from './check-tasks';
import { containerTree } from './container-tree';
import { descriptionText, fetchAdditionalFiles, IMAGE_BYTES, parametersText } from './cube-files';
import { fetchBlob } from './fetch-blob';
import type { Fetching } from './fetch-blob';
import { sideBySide } from './side-by-side';

export interface CubePlace extends Omit<Fetching, 'offline'> {
  /** Where images are looked up that nobody named a digest of; without it they are refused. */
  readonly images?: Pick<ImageRegistries, 'resolve'>;
}

type ContainerFetching = Fetching & Pick<CubePlace, 'images'>;

/** The image of a container, and what a registry records of it. */
interface ContainerImage {
  readonly image: CubeImage;
  /** `sha256:…` of the manifest in the image's registry, or the bare hex SHA-256 of the archive. */
  readonly imageHash: string;
}

/** A container whose configuration and parameters somebody put into the store, and whose other files are hosted. */
export async function hostedContainer(
  fetching: ContainerFetching,
  { name, uid }: HostedRef,
  { config, parameters, additionalFiles, imageHash }: HostedContainer,
  tasks: readonly Task[],
): Promise<Cube> {
  const { store } = fetching;
  const text = await descriptionText(store, config);
  const definition = requireContainerDefinition(text);
  await checkTasks(name, { format: 'container', text }, tasks);
  // As of a folder, what no task reads is left out.
  const read = readsOwnVolume(definition, 'parameters_file') ? parameters : null;
  const kept = {
    config: plainYaml(text, definition.file),
    parameters: read === null ? null : plainYaml(await parametersText(store, read), hostedFileNames.parameters),
  };
  const [additional, found] = await sideBySide(fetching.signal, (signal) => {
    const part = { ...fetching, signal };
    const what = `additional files of ${name}`;
    return [
      fetchAdditionalFiles(part, what, additionalFiles?.url, additionalFiles?.hash),
      containerImage(part, name, definition, imageHash),
    ] as const;
  });
  const tree = await containerTree(store, {
    ...kept,
    additionalFiles: readsOwnVolume(definition, 'additional_files') ? (additional?.tree ?? null) : null,
  });
  return {
    name,
    uid: uid ?? null,
    tree,
    image: found.image,
    hashes: {
      imageHash: found.imageHash,
      ...(additional === null ? {} : { additionalFilesHash: toMedperfHash(additional.archive.digest) }),
    },
  };
}

/** Finds out which image a container runs in: one that is named by its digest for good, or an archive in the store. */
async function containerImage(
  fetching: ContainerFetching,
  name: string,
  definition: ContainerDefinition,
  imageHash: string | undefined,
): Promise<ContainerImage> {
  if (definition.kind === 'archive') {
    const archive = await fetchBlob(fetching, `image of ${name}`, definition.image, imageHash, IMAGE_BYTES);
    return { image: archiveImage(definition.image, archive), imageHash: toMedperfHash(archive.digest) };
  }
  const { image, digest } = await pinned(fetching, definition.image, imageHash);
  return { image: { reference: image, expectedId: null }, imageHash: digest };
}

/** An image of which its archive alone tells what it is; it is called by the archive's URL. */
export function archiveImage(url: string, archive: BlobRef): CubeImage {
  return { reference: shownUrl(url), expectedId: null, archive };
}

async function pinned(
  { images, offline, signal }: ContainerFetching,
  written: string,
  imageHash: string | undefined,
): Promise<{ readonly image: string; readonly digest: Digest }> {
  const reference = parseImageReference(written);
  if (reference === null) throw noImage(written, 'that is not the name of an image');
  const promised = promisedDigest(imageHash) ?? reference.digest;
  const asked = offline ? undefined : images;
  const digest = promised ?? (await asked?.resolve(reference, signal)) ?? null;
  if (digest === null) throw noImage(written, asked === undefined ? 'no digest, and nobody to ask' : 'no such image');
  return { image: formatImageReference({ ...reference, tag: null, digest }), digest };
}

/** @throws MedperfError `InvalidRequest` for what stands where a manifest's digest belongs. */
function promisedDigest(imageHash: string | undefined): Digest | null {
  if (imageHash === undefined || imageHash === '') return null;
  if (isDigest(imageHash)) return imageHash;
  throw new MedperfError('InvalidRequest', {
    what: "The image's hash is none of an image in a registry.",
    expected: 'the digest of its manifest, sha256: and 64 hex digits',
    found: imageHash.slice(0, 100),
    next: 'Give the digest that the registry answers for the image, or leave it out: it is then looked up.',
  });
}

function noImage(image: string, found: string): MedperfError {
  return new MedperfError('InvalidManifest', {
    what: `The image ${image} cannot be pinned: its registry has to say which one it is.`,
    expected: 'an image in a registry, where data owners can pull it',
    found,
    next: 'Push the image there (--with-image does), or host its archive and write container_type: DockerArchive.',
  });
}
