import { formatImageReference } from '../contract';
import type { Digest, ImageReference } from '../contract';
import { BlobUpload, deleteUpload, hasBlob, LostUpload, unexpected } from './blob-upload';
import type { BlobUploadOptions, Repository } from './blob-upload';
import { indexArchive, readLayers } from './docker-archive';
import type { ArchivedBlob, ArchivedLayer, ImageArchive } from './docker-archive';
import { MEDIA_TYPES } from './image-manifests';
import { MANIFEST_BYTES, sha256 } from './oci-registry';
import type { ImageRegistries } from './oci-registry';
import type { UnfinishedUploads } from './publisher';

export interface PushOptions {
  /** The image's id; of an archive with several images the one that is meant. */
  readonly imageId?: Digest;
  readonly signal?: AbortSignal | undefined;
  /** What an earlier attempt reported last: addresses by the digest of the blob. */
  readonly unfinished?: UnfinishedUploads;
  readonly onUnfinished?: (uploads: UnfinishedUploads) => void;
  readonly onProgress?: (progress: PushProgress) => void;
  /** Asked when the push is aborted: true leaves unfinished uploads to a later attempt (default: they are deleted). */
  readonly keepUnfinished?: () => boolean;
  readonly pieceBytes?: number;
  readonly pause?: NonNullable<BlobUploadOptions['pause']>;
}

export interface PushProgress {
  readonly sentBytes: number;
  /** Of the blobs that the registry lacks. */
  readonly totalBytes: number;
}

export interface PushedImage {
  /** The name that fixes the image: `HOST/REPOSITORY@sha256:…`. */
  readonly pinned: string;
  readonly manifestDigest: Digest;
  /** The image's id, unchanged. */
  readonly configDigest: Digest;
  /** Bytes of blobs that this call sent. */
  readonly sentBytes: number;
}

const DELETE_MS = 10_000;
const ANEW = 2;

/**
 * Pushes an image under a tag, its manifest last. What the registry has is not sent again, so a second push sends nothing.
 * Layers go as they are in the archive: an uncompressed layer's digest is known from the image's configuration before a
 * byte of it is read, and an interrupted upload goes on without an encoder that has to give the same bytes again.
 */
export async function pushImage(
  registries: ImageRegistries,
  archive: ImageArchive,
  target: ImageReference,
  options: PushOptions = {},
): Promise<PushedImage> {
  const { signal } = options;
  const { config, configDigest, layers } = await indexArchive(archive, options.imageId ?? null, signal);
  const manifest = manifestOf(config, configDigest, layers);
  const manifestDigest = sha256(manifest);
  const to = { transport: registries.transport(target.host), host: target.host, repository: target.repository };
  const pinned = formatImageReference({ ...target, tag: null, digest: manifestDigest });
  const pushed = { pinned, manifestDigest, configDigest };
  if ((await registries.resolve(target, signal, 'pull,push')) === manifestDigest) return { ...pushed, sentBytes: 0 };

  const push = new Push(to, options);
  const sentBytes = await push.blobs(
    archive,
    { mediaType: MEDIA_TYPES.config, digest: configDigest, size: config.length },
    config,
    layers,
  );
  await putManifest(to, target.tag ?? manifestDigest, manifest, signal);
  return { ...pushed, sentBytes };
}

/** The blobs of one image on their way. */
class Push {
  private unfinished: Record<string, string>;
  private sent = 0;

  constructor(
    private readonly to: Repository,
    private readonly options: PushOptions,
  ) {
    this.unfinished = { ...options.unfinished };
  }

  /** @returns bytes sent. */
  async blobs(
    archive: ImageArchive,
    configBlob: ArchivedBlob,
    config: Buffer,
    layers: readonly ArchivedLayer[],
  ): Promise<number> {
    try {
      const missing = new Map<string, ArchivedLayer>();
      for (const layer of layers)
        if (!(await hasBlob(this.to, layer, this.options.signal))) missing.set(layer.digest, layer);
      const totalBytes = [...missing.values()].reduce((sum, { size }) => sum + size, 0);
      await this.layers(archive, missing, totalBytes);
      if (!(await hasBlob(this.to, configBlob, this.options.signal))) {
        await this.upload(configBlob, once(config), totalBytes);
      }
      return this.sent;
    } catch (error) {
      if (this.options.signal?.aborted === true && this.options.keepUnfinished?.() !== true)
        await this.deleteUnfinished();
      throw error;
    }
  }

  /** In the order of the archive, in one reading; in another one when the registry lost an upload. */
  private async layers(archive: ImageArchive, missing: Map<string, ArchivedLayer>, totalBytes: number): Promise<void> {
    for (let reading = 1; missing.size > 0; reading += 1) {
      const byMember = new Map([...missing.values()].map((layer) => [layer.member, layer]));
      const before = missing.size;
      try {
        await readLayers(
          archive,
          (name) => {
            const layer = byMember.get(name);
            if (layer === undefined) return null;
            return async (content) => {
              await this.upload(layer, content, totalBytes);
              missing.delete(layer.digest);
            };
          },
          this.options.signal,
        );
      } catch (error) {
        if (!(error instanceof LostUpload) || reading > ANEW) throw error;
        continue;
      }
      if (missing.size === before) throw new TypeError('an archive lost a layer between two readings');
    }
  }

  private async upload(blob: ArchivedBlob, content: AsyncIterable<Uint8Array>, totalBytes: number): Promise<void> {
    const { signal, pieceBytes, pause } = this.options;
    const upload = new BlobUpload(this.to, blob, {
      signal,
      resume: this.unfinished[blob.digest],
      onLocation: (location) => this.remember({ ...this.unfinished, [blob.digest]: location }),
      onSent: (bytes) => {
        this.sent += bytes;
        this.options.onProgress?.({ sentBytes: this.sent, totalBytes });
      },
      ...(pieceBytes === undefined ? {} : { pieceBytes }),
      ...(pause === undefined ? {} : { pause }),
    });
    try {
      await upload.send(content);
      this.forget(blob);
    } catch (error) {
      if (error instanceof LostUpload) this.forget(blob);
      throw error;
    }
  }

  private forget({ digest }: ArchivedBlob): void {
    const { [digest]: _, ...others } = this.unfinished;
    this.remember(others);
  }

  private remember(uploads: Record<string, string>): void {
    this.unfinished = uploads;
    this.options.onUnfinished?.(uploads);
  }

  /** Nobody waits for a registry that does not answer any more: it forgets them by itself in time. */
  private async deleteUnfinished(): Promise<void> {
    const signal = AbortSignal.timeout(DELETE_MS);
    await Promise.allSettled(Object.values(this.unfinished).map((location) => deleteUpload(this.to, location, signal)));
  }
}

/** The same image gives the same bytes, and so the same digest. */
function manifestOf(config: Buffer, configDigest: Digest, layers: readonly ArchivedLayer[]): Buffer {
  return Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.manifest,
      config: { mediaType: MEDIA_TYPES.config, digest: configDigest, size: config.length },
      layers: layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
    }),
  );
}

async function putManifest(to: Repository, name: string, body: Buffer, signal: AbortSignal | undefined): Promise<void> {
  const { transport, repository } = to;
  const address = `/v2/${repository}/manifests/${name}`;
  const headers = { 'content-type': MEDIA_TYPES.manifest };
  const request = { method: 'PUT', repository, right: 'pull,push', address, headers, body, signal } as const;
  const answer = await transport.send(request, MANIFEST_BYTES);
  if (answer.status !== 201 && answer.status !== 202) throw unexpected(to, "the image's manifest", answer);
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield await Promise.resolve(bytes);
}
