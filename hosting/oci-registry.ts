import { createHash } from 'node:crypto';
import { DEFAULT_IMAGE_HOST, formatImageReference, isDigest } from '../contract';
import type { Digest, ImageReference } from '../contract';
import { ACCEPTED_MANIFESTS, readConfiguration, readManifest } from './image-manifests';
import type { ImageConfiguration, ImageManifest } from './image-manifests';
import { notFound, unusable, wrongContent } from './image-registry-failures';
import { RegistryTransport } from './registry-transport';
import type { TransportLimits } from './registry-transport';
import type { RegistryAnswer, Right } from './registry-exchange';
import type { ImageCredentials } from './registry-tokens';

export const MANIFEST_BYTES = 4 * 1024 * 1024;
const CONFIG_BYTES = 8 * 1024 * 1024;
const MAX_INDEX_DEPTH = 2;
const DEFAULT_LIMITS: TransportLimits = { answerMs: 30_000, pieceMs: 10 * 60_000 };

export interface ImageRegistriesOptions {
  /** The sign-in for an image's registry, where there is one. */
  readonly credentials?: (reference: string) => Promise<ImageCredentials | null>;
  /** Hosts (with their port) that are spoken to without encryption, beyond this machine's own. */
  readonly plainHttpHosts?: readonly string[];
  readonly limits?: Partial<TransportLimits>;
}

/** What a registry says of an image, without any of its layers. */
export interface DescribedImage {
  /** Of the manifest for the wanted architecture: what a reference is pinned by. */
  readonly manifestDigest: Digest;
  /** Of the configuration: the image's id in Docker, and E25's `image_hash`. */
  readonly configDigest: Digest;
  readonly architecture: string;
  readonly os: string;
  /** As the image says it; empty is root. */
  readonly user: string;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /** Sum of the layers as they are transferred, in bytes. */
  readonly transferBytes: number;
}

/** Reads images in registries of the OCI distribution API; close it when done. */
export class ImageRegistries {
  private readonly transports = new Map<string, RegistryTransport>();

  constructor(private readonly options: ImageRegistriesOptions = {}) {}

  /**
   * Describes the image for linux and an architecture (in Go's words, such as `amd64`).
   * @throws ImageRegistryFailure; `not-found` also when there is none for that architecture.
   */
  async describe(reference: ImageReference, architecture: string, signal?: AbortSignal): Promise<DescribedImage> {
    const { manifest, digest } = await this.imageManifest(reference, architecture, signal);
    const configuration = await this.configuration(reference, manifest, signal);
    return describeImage(configuration, {
      manifestDigest: digest,
      configDigest: manifest.config.digest,
      transferBytes: manifest.layers.reduce((sum, { size }) => sum + size, 0),
    });
  }

  /** Digest of what the reference names now (an index's, where it is one), or null when the registry has no such image. */
  async resolve(reference: ImageReference, signal?: AbortSignal, right: Right = 'pull'): Promise<Digest | null> {
    const answer = await this.askManifest('HEAD', reference, nameOf(reference), signal, right);
    if (answer.status === 404) return null;
    if (answer.status !== 200) throw unexpected(reference, answer);
    const digest = answer.header('docker-content-digest');
    if (isDigest(digest)) return digest;
    return (await this.fetchManifest(reference, nameOf(reference), signal)).digest;
  }

  transport(host: string): RegistryTransport {
    const known = this.transports.get(host);
    if (known !== undefined) return known;
    const { credentials, plainHttpHosts = [], limits = {} } = this.options;
    const transport = new RegistryTransport({
      host,
      plainHttp: plainHttpHosts.includes(host),
      // Whoever keeps sign-ins goes by a reference; any of the host's will do.
      credentials: () =>
        credentials?.(host === DEFAULT_IMAGE_HOST ? 'image' : `${host}/image`) ?? Promise.resolve(null),
      limits: { ...DEFAULT_LIMITS, ...limits },
    });
    this.transports.set(host, transport);
    return transport;
  }

  async close(): Promise<void> {
    await Promise.all([...this.transports.values()].map((transport) => transport.close()));
  }

  private async imageManifest(
    reference: ImageReference,
    architecture: string,
    signal: AbortSignal | undefined,
  ): Promise<{ manifest: ImageManifest; digest: Digest }> {
    let name = nameOf(reference);
    for (let depth = 0; depth < MAX_INDEX_DEPTH; depth += 1) {
      const { bytes, digest } = await this.fetchManifest(reference, name, signal);
      const read = readManifest(bytes);
      if (read.kind === 'image') return { manifest: read.manifest, digest };
      if (read.kind === 'unreadable') throw unreadable(reference, 'a manifest of another kind');
      const fitting = read.platforms.find(
        (platform) => platform.os === 'linux' && platform.architecture === architecture,
      );
      if (fitting === undefined) throw notFound(formatImageReference(reference), platformsFound(read.platforms));
      name = fitting.digest;
    }
    throw unreadable(reference, 'a list of lists of images');
  }

  private async fetchManifest(
    reference: ImageReference,
    name: string,
    signal: AbortSignal | undefined,
  ): Promise<{ bytes: Buffer; digest: Digest }> {
    const answer = await this.askManifest('GET', reference, name, signal);
    if (answer.status === 404) throw notFound(formatImageReference(reference));
    if (answer.status !== 200) throw unexpected(reference, answer);
    const digest = sha256(answer.body);
    if (isDigest(name) && name !== digest) throw otherBytes(reference, name, digest);
    return { bytes: answer.body, digest };
  }

  private askManifest(
    method: 'GET' | 'HEAD',
    { host, repository }: ImageReference,
    name: string,
    signal: AbortSignal | undefined,
    right: Right = 'pull',
  ): Promise<RegistryAnswer> {
    const address = `/v2/${repository}/manifests/${name}`;
    const headers = { accept: ACCEPTED_MANIFESTS };
    return this.transport(host).send({ method, repository, right, address, headers, signal }, MANIFEST_BYTES);
  }

  private async configuration(
    reference: ImageReference,
    { config }: ImageManifest,
    signal: AbortSignal | undefined,
  ): Promise<ImageConfiguration> {
    const { host, repository } = reference;
    const address = `/v2/${repository}/blobs/${config.digest}`;
    const request = { method: 'GET', repository, right: 'pull', address, signal } as const;
    const answer = await this.transport(host).send(request, CONFIG_BYTES);
    if (answer.status === 404) throw notFound(formatImageReference(reference), 'a manifest without its configuration');
    if (answer.status !== 200) throw unexpected(reference, answer);
    const digest = sha256(answer.body);
    if (digest !== config.digest) throw otherBytes(reference, config.digest, digest);
    const configuration = readConfiguration(answer.body);
    if (configuration === null) throw unreadable(reference, 'a configuration that is not one of an image');
    return configuration;
  }
}

/** What an image's configuration says, in one form for registries and daemons. */
export function describeImage(
  { architecture, os, config }: ImageConfiguration,
  found: Pick<DescribedImage, 'manifestDigest' | 'configDigest' | 'transferBytes'>,
): DescribedImage {
  return {
    ...found,
    architecture,
    os,
    user: config?.User ?? '',
    entrypoint: config?.Entrypoint ?? [],
    command: config?.Cmd ?? [],
    environment: Object.fromEntries((config?.Env ?? []).map(variable)),
    labels: config?.Labels ?? {},
  };
}

function variable(text: string): [string, string] {
  const at = text.indexOf('=');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/** The digest counts where both are given, as in Docker. */
function nameOf({ tag, digest }: ImageReference): string {
  return digest ?? tag ?? 'latest';
}

export function sha256(bytes: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function platformsFound(platforms: readonly { os: string; architecture: string }[]): string {
  const names = platforms.slice(0, 10).map(({ os, architecture }) => `${os}/${architecture}`.slice(0, 40));
  return names.length === 0 ? 'a list without images' : `an image for ${names.join(', ')} only`;
}

function unexpected(reference: ImageReference, { status }: RegistryAnswer): Error {
  return unreadable(reference, `status ${status}`);
}

function unreadable(reference: ImageReference, found: string): Error {
  const what = `The image ${formatImageReference(reference)} cannot be read in its registry.`;
  return unusable(what, found, 'Push the image again with a current Docker.', 'an image manifest, schema version 2');
}

function otherBytes(reference: ImageReference, expected: Digest, found: Digest): Error {
  return wrongContent(`The registry gives other bytes for ${formatImageReference(reference)}.`, expected, found);
}
