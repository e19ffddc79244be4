import { z } from 'zod';
import { hostedFileNames, isDigest, MedperfError, toMedperfHash } from '../contract';
import type { BlobRef, Cube, CubeHashes, CubeImage, Digest, FetchCubeInput, Heartbeat, HostedRef } from '../contract';
import { requireManifest } from '../mlcube/manifest';
import type { CubeRecord, Registry } from '../registry/registry';
import type { Store, TreeEntry } from '../store/store';
import { fetchBlob, unpackOnce } from './fetch-blob';
import type { Fetching } from './fetch-blob';

const MANIFEST_BYTES = 1024 * 1024;
const PARAMETERS_BYTES = 64 * 1024 * 1024;
const ADDITIONAL_FILES_BYTES = 1024 ** 4;
const IMAGE_BYTES = 256 * 1024 ** 3;

/** Brings a cube's files into the store and checks every hash that somebody promised. */
export async function fetchCube(
  { store, registry }: { store: Store; registry: Registry },
  { cube, offline }: FetchCubeInput,
  signal: AbortSignal,
  tell: (details: Heartbeat) => void,
): Promise<Cube> {
  if (cube.kind === 'local') return localCube(store, cube.tree, cube.label);
  const fetching: Fetching = { store, offline, signal, tell };
  if (cube.kind === 'hosted') return hostedCube(fetching, cube, null);
  const record = await cubeRecord(store, registry, cube.uid, offline, signal);
  return hostedCube(fetching, record, cube.uid);
}

const RecordSchema = z.object({
  name: z.string(),
  urls: z.object({
    manifestUrl: z.string(),
    parametersUrl: z.string().optional(),
    additionalFilesUrl: z.string().optional(),
    imageTarballUrl: z.string().optional(),
  }),
  hashes: z.object({
    manifestHash: z.string().optional(),
    parametersHash: z.string().optional(),
    additionalFilesHash: z.string().optional(),
    imageTarballHash: z.string().optional(),
    imageHash: z.string().optional(),
  }),
});

async function cubeRecord(
  store: Store,
  registry: Registry,
  uid: number,
  offline: boolean,
  signal: AbortSignal,
): Promise<Omit<HostedRef, 'kind'>> {
  const recordName = `cubes/${registry.server}/${uid}`;
  if (offline) {
    const known = RecordSchema.safeParse(await store.readRecord(recordName));
    if (known.success) return known.data as Omit<HostedRef, 'kind'>;
    throw new MedperfError('InvalidRequest', {
      what: `Cube ${uid} is not known here, and --offline forbids asking the registry.`,
      next: 'run the test once without --offline; after that the record is kept.',
    });
  }
  const record = await registry.cube(uid, signal);
  refuseInvalid(record);
  const { name, urls, hashes } = record;
  await store.writeRecord(recordName, { name, urls, hashes });
  return { name, urls, hashes };
}

function refuseInvalid(record: CubeRecord): void {
  if (record.isValid) return;
  throw new MedperfError('InvalidRequest', {
    what: `Cube ${record.uid}, ${record.name}, is marked as INVALID in the registry.`,
    next: 'ask its owner for a valid version.',
  });
}

async function hostedCube(
  fetching: Fetching,
  { name, urls, hashes }: Omit<HostedRef, 'kind'>,
  uid: number | null,
): Promise<Cube> {
  const manifest = await fetchBlob(
    fetching,
    `manifest of ${name}`,
    urls.manifestUrl,
    hashes.manifestHash,
    MANIFEST_BYTES,
  );
  const reference = await imageReference(fetching.store, manifest.digest, name);
  const parameters = await fetchOptional(
    fetching,
    `parameters of ${name}`,
    urls.parametersUrl,
    hashes.parametersHash,
    PARAMETERS_BYTES,
  );
  const additional = await fetchOptional(
    fetching,
    `additional files of ${name}`,
    urls.additionalFilesUrl,
    hashes.additionalFilesHash,
    ADDITIONAL_FILES_BYTES,
  );
  const archive = await fetchOptional(
    fetching,
    `image of ${name}`,
    urls.imageTarballUrl,
    hashes.imageTarballHash,
    IMAGE_BYTES,
  );

  const workspace: Record<string, TreeEntry> = {};
  if (parameters !== null) workspace[hostedFileNames.parameters] = plainFile(parameters);
  if (additional !== null) {
    const { digest } = await unpackOnce(fetching, `additional files of ${name}`, additional);
    workspace['additional_files'] = { kind: 'directory', digest };
  }
  return {
    name,
    uid,
    tree: await cubeTree(fetching.store, plainFile(manifest), workspace),
    image: image(reference, hashes.imageHash, archive),
    hashes: computedHashes(manifest, parameters, additional, archive),
  };
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

function image(reference: string, imageHash: string | undefined, archive: BlobRef | null): CubeImage {
  const expectedId = `sha256:${imageHash ?? ''}`;
  return { reference, expectedId: isDigest(expectedId) ? expectedId : null, ...(archive === null ? {} : { archive }) };
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
async function localCube(store: Store, tree: Digest, label: string): Promise<Cube> {
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
    image: image(await imageReference(store, manifest.digest, label), undefined, null),
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
