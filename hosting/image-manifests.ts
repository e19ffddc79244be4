import { z } from 'zod';
import { isDigest } from '../contract';
import type { Digest } from '../contract';

export const MEDIA_TYPES = {
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
  gzippedLayer: 'application/vnd.oci.image.layer.v1.tar+gzip',
} as const;

export const ACCEPTED_MANIFESTS = [
  MEDIA_TYPES.manifest,
  MEDIA_TYPES.dockerManifest,
  MEDIA_TYPES.index,
  MEDIA_TYPES.dockerList,
].join(', ');

const digest = z.custom<Digest>(isDigest);
const size = z.int().nonnegative();
const descriptor = z.object({ mediaType: z.string(), digest, size });

/** One image: the Docker and the OCI form are read alike. */
export const imageManifest = z.object({
  schemaVersion: z.literal(2),
  config: descriptor,
  layers: z.array(descriptor).max(10_000),
});
export type ImageManifest = z.infer<typeof imageManifest>;

/** Images by platform. */
const imageIndex = z.object({
  schemaVersion: z.literal(2),
  manifests: z
    .array(
      descriptor.extend({
        platform: z.object({ architecture: z.string(), os: z.string(), variant: z.string().optional() }).optional(),
      }),
    )
    .max(10_000),
});

const words = z.array(z.string()).nullish();

/** The part of an image's configuration that says what a container of it does; Docker and OCI agree on it. */
export const imageConfiguration = z.object({
  architecture: z.string(),
  os: z.string(),
  config: z
    .object({
      User: z.string().nullish(),
      Entrypoint: words,
      Cmd: words,
      Env: words,
      Labels: z.record(z.string(), z.string()).nullish(),
    })
    .nullish(),
  rootfs: z.object({ diff_ids: z.array(digest).max(10_000) }),
});
export type ImageConfiguration = z.infer<typeof imageConfiguration>;

export type ManifestReading =
  | { readonly kind: 'image'; readonly manifest: ImageManifest }
  | { readonly kind: 'index'; readonly platforms: readonly Platform[] }
  | { readonly kind: 'unreadable' };

export interface Platform {
  readonly digest: Digest;
  readonly architecture: string;
  readonly os: string;
}

/** Tells by its own fields which of the two a manifest is; registries' content types are not always right. */
export function readManifest(bytes: Buffer): ManifestReading {
  const value = jsonOf(bytes);
  const image = imageManifest.safeParse(value);
  if (image.success) return { kind: 'image', manifest: image.data };
  const index = imageIndex.safeParse(value);
  if (!index.success) return { kind: 'unreadable' };
  const platforms = index.data.manifests.flatMap(({ digest: child, platform }) =>
    // Attestations stand in the list as images of an unknown platform.
    platform === undefined || platform.os === 'unknown' ? [] : [{ ...platform, digest: child }],
  );
  return { kind: 'index', platforms };
}

export function readConfiguration(bytes: Buffer): ImageConfiguration | null {
  return imageConfiguration.safeParse(jsonOf(bytes)).data ?? null;
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}
