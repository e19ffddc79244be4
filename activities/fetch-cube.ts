import { hostedFileNames, MedperfError, toMedperfHash } from '../contract';
import type { BlobRef, Cube, CubeHashes, Digest, FetchCubeInput, HostedRef } from '../contract';
import { requireManifest } from '../mlcube/manifest';
import type { Store, TreeEntry } from '../store/store';
import { fetchBlob, unpackOnce } from './fetch-blob';
import type { Fetching } from './fetch-blob';
import { rememberSource } from './content-sources';
import { cubeImage, rememberCube } from './known-cubes';
import { sideBySide } from './side-by-side';

const MANIFEST_BYTES = 1024 * 1024;
const PARAMETERS_BYTES = 64 * 1024 * 1024;
const ADDITIONAL_FILES_BYTES = 1024 ** 4;
const IMAGE_BYTES = 256 * 1024 ** 3;

/** Brings a cube's files into the store and checks every hash that somebody promised. */
export async function fetchCube(place: Omit<Fetching, 'offline'>, { cube, offline }: FetchCubeInput): Promise<Cube> {
  const { store } = place;
  if (cube.kind === 'local') return localCube(store, cube.tree, cube.label);
  const fetched = await hostedCube({ ...place, offline }, cube);
  const { tree, image } = fetched;
  const contents = image.archive === undefined ? [tree] : [tree, image.archive.digest];
  await Promise.all([
    rememberCube(store, cube, fetched),
    rememberSource(store, contents, { kind: 'cube', cube, offline }),
  ]);
  return fetched;
}

async function hostedCube(fetching: Fetching, { name, uid, urls, hashes }: HostedRef): Promise<Cube> {
  const manifest = await fetchBlob(
    fetching,
    `manifest of ${name}`,
    urls.manifestUrl,
    hashes.manifestHash,
    MANIFEST_BYTES,
  );
  const reference = await imageReference(fetching.store, manifest.digest, name);
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
    tree: await cubeTree(fetching.store, plainFile(manifest), workspace),
    image: cubeImage(reference, hashes.imageHash, archive),
    hashes: computedHashes(manifest, parameters, additional?.archive ?? null, archive),
  };
}

async function fetchAdditionalFiles(
  fetching: Fetching,
  what: string,
  url: string | undefined,
  hash: string | undefined,
): Promise<{ readonly archive: BlobRef; readonly tree: Digest } | null> {
  const archive = await fetchOptional(fetching, what, url, hash, ADDITIONAL_FILES_BYTES);
  return archive === null ? null : { archive, tree: (await unpackOnce(fetching, what, archive)).digest };
}

function fetchOptional(
  fetching: Fetching,
  what: string,
  url: string | undefined,
  hash: string | undefined,
  maxBytes: number,
): Promise<BlobRef | null> {
  return url === undefined ? Promise.resolve(null) : fetchBlob(fetching, what, url, hash, maxBytes);
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

/**
 * A folder's cube, cut down to what packaging would host: the same bytes then have the same tree before and after
 * hosting, and the test tells before the data owner does when a cube leans on something else.
 */
export async function localCube(store: Store, tree: Digest, label: string): Promise<Cube> {
  const manifest = await store.lookUp(tree, hostedFileNames.manifest);
  if (manifest?.kind !== 'file') {
    throw new MedperfError('InvalidManifest', {
      what: `The folder ${label} is no cube.`,
      expected: `a file ${hostedFileNames.manifest} in it`,
      found: manifest === null ? 'none' : 'a folder of that name',
      next: 'name the folder that holds mlcube.yaml, or the file itself.',
    });
  }
  const workspace: Record<string, TreeEntry> = {};
  for (const name of [hostedFileNames.parameters, 'additional_files']) {
    const entry = await store.lookUp(tree, `workspace/${name}`);
    if (entry !== null) workspace[name] = entry;
  }
  return {
    name: label,
    uid: null,
    tree: await cubeTree(store, manifest, workspace),
    image: cubeImage(await imageReference(store, manifest.digest, label), undefined, null),
  };
}

async function cubeTree(store: Store, manifest: TreeEntry, workspace: Record<string, TreeEntry>): Promise<Digest> {
  const { digest } = await store.composeTree(workspace);
  const cube = await store.composeTree({
    [hostedFileNames.manifest]: manifest.kind === 'file' ? { ...manifest, executable: false } : manifest,
    workspace: { kind: 'directory', digest },
  });
  return cube.digest;
}

async function imageReference(store: Store, manifest: Digest, name: string): Promise<string> {
  const { docker } = requireManifest((await store.readBytes(manifest, MANIFEST_BYTES)).toString('utf8'));
  if (docker?.image !== undefined) return docker.image;
  throw new MedperfError('InvalidManifest', {
    what: `The manifest of ${name} names no Docker image.`,
    expected: 'docker.image in mlcube.yaml',
    next: 'add it; cubes for Singularity alone cannot run here.',
  });
}

function plainFile({ digest, size }: BlobRef): TreeEntry {
  return { kind: 'file', digest, size, executable: false };
}
