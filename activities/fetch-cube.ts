import { hostedFileNames, toMedperfHash } from '../contract';
import type { BlobRef, Cube, CubeHashes, FetchCubeInput, HostedMlcube, HostedRef, LocalRef, Task } from '../contract';
import type { TreeEntry } from '../store/store';
import { checkKnownTasks, checkTasks } from './check-tasks';
import { fetchAdditionalFiles, fetchOptional, IMAGE_BYTES, MANIFEST_BYTES, PARAMETERS_BYTES } from './cube-files';
import { fetchBlob } from './fetch-blob';
import type { Fetching } from './fetch-blob';
import { archiveImage, hostedContainer } from './fetch-container';
import type { CubePlace } from './fetch-container';
import { rememberSource } from './content-sources';
import { folderCube, readFolderCube } from './folder-cube';
import { cubeImage, rememberCube } from './known-cubes';
import { mlcubeImageName, mlcubeTree } from './mlcube-tree';
import { readDescription } from './plan-cube-task';
import { sideBySide } from './side-by-side';

/**
 * Brings a cube's files into the store and checks every hash that somebody promised; before anything large, that the cube
 * has the tasks.
 */
export async function fetchCube(place: CubePlace, { cube, tasks, offline }: FetchCubeInput): Promise<Cube> {
  const { store } = place;
  const fetching = { ...place, offline };
  if (cube.kind === 'local') return fetchLocal(fetching, cube, tasks);
  const { files } = cube;
  const fetched =
    files.format === 'mlcube'
      ? await hostedMlcube(fetching, cube, files, tasks)
      : await hostedContainer(fetching, cube, files, tasks);
  const { tree, image } = fetched;
  const contents = image.archive === undefined ? [tree] : [tree, image.archive.digest];
  await Promise.all([
    rememberCube(store, cube, fetched),
    rememberSource(store, contents, { kind: 'cube', cube: withImage(cube, fetched), offline }),
  ]);
  return fetched;
}

/** Of a folder only the archive of its image can be elsewhere. */
async function fetchLocal(fetching: Fetching, { format, ...folder }: LocalRef, tasks: readonly Task[]): Promise<Cube> {
  const { tree, image, imageKind } = await readFolderCube(fetching.store, folder, format);
  await checkKnownTasks(fetching.store, { name: folder.label, tree }, tasks);
  if (imageKind === 'image') return folderCube(folder, tree, { reference: image, expectedId: null });
  const archive = await fetchBlob(fetching, `image of ${folder.label}`, image, undefined, IMAGE_BYTES);
  return folderCube(folder, tree, archiveImage(image, archive));
}

/** Fetched again, it is the same image that is looked for. */
function withImage(cube: HostedRef, { hashes }: Cube): HostedRef {
  const imageHash = hashes?.imageHash;
  if (cube.files.format === 'mlcube' || imageHash === undefined) return cube;
  return { ...cube, files: { ...cube.files, imageHash } };
}

async function hostedMlcube(
  fetching: Fetching,
  { name, uid }: HostedRef,
  { urls, hashes }: HostedMlcube,
  tasks: readonly Task[],
): Promise<Cube> {
  const manifest = await fetchBlob(
    fetching,
    `manifest of ${name}`,
    urls.manifestUrl,
    hashes.manifestHash,
    MANIFEST_BYTES,
  );
  const reference = await mlcubeImageName(fetching.store, manifest.digest, name);
  const description = await readDescription(fetching.store, { format: 'mlcube', digest: manifest.digest });
  await checkTasks(name, description, tasks);
  const [parameters, additional, archive] = await sideBySide(fetching.signal, (signal) => {
    const part = { ...fetching, signal };
    return [
      fetchOptional(part, `parameters of ${name}`, urls.parametersUrl, hashes.parametersHash, PARAMETERS_BYTES),
      fetchAdditionalFiles(part, `additional files of ${name}`, urls.additionalFilesUrl, hashes.additionalFilesHash),
      fetchOptional(part, `image of ${name}`, urls.imageTarballUrl, hashes.imageTarballHash, IMAGE_BYTES),
    ] as const;
  });

  const workspace: Record<string, TreeEntry> = {};
  if (parameters !== null) workspace[hostedFileNames.parameters] = plainFile(parameters);
  if (additional !== null) workspace['additional_files'] = { kind: 'directory', digest: additional.tree };
  return {
    name,
    uid: uid ?? null,
    tree: await mlcubeTree(fetching.store, plainFile(manifest), workspace),
    image: cubeImage(reference, hashes.imageHash, archive),
    hashes: computedHashes(manifest, parameters, additional?.archive ?? null, archive),
  };
}

function computedHashes(
  manifest: BlobRef,
  parameters: BlobRef | null,
  additional: BlobRef | null,
  archive: BlobRef | null,
): CubeHashes {
  return {
    manifestHash: toMedperfHash(manifest.digest),
    ...(parameters === null ? {} : { parametersHash: toMedperfHash(parameters.digest) }),
    ...(additional === null ? {} : { additionalFilesHash: toMedperfHash(additional.digest) }),
    ...(archive === null ? {} : { imageTarballHash: toMedperfHash(archive.digest) }),
  };
}

function plainFile({ digest, size }: BlobRef): TreeEntry {
  return { kind: 'file', digest, size, executable: false };
}
