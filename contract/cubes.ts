import type { BlobRef, Digest } from './digests';

/**
 * A cube as people name it: by the registry's uid of the cube or of the model that it is, which are the same in the MLCube
 * generations, or by the digest of a folder that the client put into the store.
 */
export type CubeRef =
  | { readonly kind: 'cube'; readonly uid: number }
  | { readonly kind: 'model'; readonly uid: number }
  | {
      readonly kind: 'local';
      readonly tree: Digest;
      /** The folder's own name, for people; never a path. */
      readonly label: string;
    };

/** Where a hosted cube's files are. Empty parts are absent. */
export interface CubeUrls {
  readonly manifestUrl: string;
  readonly parametersUrl?: string;
  readonly additionalFilesUrl?: string;
  readonly imageTarballUrl?: string;
}

/** Hashes (bare hex SHA-256) that the user or the registry expects of the hosted files. */
export interface CubeHashes {
  readonly manifestHash?: string;
  readonly parametersHash?: string;
  readonly additionalFilesHash?: string;
  readonly imageTarballHash?: string;
  /** The image's config digest without `sha256:` (E25's image_hash). */
  readonly imageHash?: string;
}

/** How a cube is described: by an `mlcube.yaml`, or by the `container_config` of today's MedPerf. */
export type CubeFormat = 'mlcube' | 'container';

/** A cube as servers of the MLCube generations record it: every file at a URL. */
export interface HostedMlcube {
  readonly format: 'mlcube';
  readonly urls: CubeUrls;
  readonly hashes: CubeHashes;
}

/** A cube as today's server records it: it holds the configuration and the parameters itself. */
export interface HostedContainer {
  readonly format: 'container';
  /** Blobs of the store, in canonical YAML; no parameters are null. */
  readonly config: Digest;
  readonly parameters: Digest | null;
  readonly additionalFiles: { readonly url: string; /** Bare hex SHA-256. */ readonly hash?: string } | null;
  /** `sha256:…` of the image's manifest in its registry, or the bare hex SHA-256 of its archive. */
  readonly imageHash?: string;
}

export type HostedFiles = HostedMlcube | HostedContainer;

/**
 * A cube whose files are in the store, checked against every expected hash.
 * `tree` holds `mlcube.yaml`, `workspace/parameters.yaml` and `workspace/additional_files/…`.
 */
export interface Cube {
  readonly name: string;
  readonly uid: number | null;
  readonly tree: Digest;
  readonly image: CubeImage;
  /** Hashes of the hosted files as computed, for a cube that was fetched from URLs. */
  readonly hashes?: CubeHashes;
}

export interface CubeImage {
  /** The `docker.image` of the manifest. */
  readonly reference: string;
  /** `sha256:…` of the image's configuration, where a record promises one. */
  readonly expectedId: Digest | null;
  /** A `docker load` archive in the store, where the cube ships one. */
  readonly archive?: BlobRef;
}

export const CUBE_TYPES = ['data-preparator', 'model', 'metrics'] as const;
export type CubeType = (typeof CUBE_TYPES)[number];

/** Names of a cube's files, fixed by MedPerf's packaging (reference: medperf.md, part 6). */
export const hostedFileNames = {
  manifest: 'mlcube.yaml',
  parameters: 'parameters.yaml',
  additionalFiles: 'additional_files.tar.gz',
  /** Of today's MedPerf, whose server holds its content. */
  containerConfig: 'container_config.yaml',
} as const;
