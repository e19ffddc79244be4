import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Parser } from 'tar';
import type { ReadEntry } from 'tar';
import { z } from 'zod';
import type { Digest } from '../contract';
import { MEDIA_TYPES, readConfiguration } from './image-manifests';
import { unusable } from './image-registry-failures';
import { sha256 } from './oci-registry';

const MANIFEST = 'manifest.json';
const MANIFEST_BYTES = 4 * 1024 * 1024;
/** Which small members are configurations is known only once the manifest was read, which may come last. */
const SMALL_BYTES = 1024 * 1024;
const ALL_SMALL_BYTES = 64 * 1024 * 1024;
const GZIP_MAGIC = Buffer.from([0x1f, 0x8b]);

const archiveManifest = z.array(
  z.object({ Config: z.string(), RepoTags: z.array(z.string()).nullish(), Layers: z.array(z.string()).max(10_000) }),
);

/** A `docker save` archive, which can be read from its beginning more than once. */
export interface ImageArchive {
  open(signal?: AbortSignal): Promise<Readable>;
}

/** One blob that a registry gets. */
export interface ArchivedBlob {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
}

export interface ArchivedLayer extends ArchivedBlob {
  /** Name in the archive. */
  readonly member: string;
}

export interface IndexedArchive {
  readonly config: Buffer;
  /** The image's id in Docker. */
  readonly configDigest: Digest;
  readonly layers: readonly ArchivedLayer[];
}

interface Member {
  readonly size: number;
  readonly digest: Digest;
  readonly gzipped: boolean;
}

/**
 * Reads an archive once and finds in it the image of that id, its layers checked against what its configuration says.
 * @throws ImageRegistryFailure `unusable` for an archive without it.
 */
export async function indexArchive(
  archive: ImageArchive,
  imageId: Digest | null,
  signal?: AbortSignal,
): Promise<IndexedArchive> {
  const members = new Map<string, Member>();
  const links = new Map<string, string>();
  const small = new SmallMembers();
  await readMembers(await archive.open(signal), signal, (member, name) => {
    if (member.type === 'SymbolicLink' || member.type === 'Link') {
      const target = member.linkpath ?? '';
      links.set(name, plainName(member.type === 'Link' ? target : posix.join(posix.dirname(name), target)));
      return null;
    }
    return member.type === 'File' || member.type === 'OldFile' ? () => indexMember(member, name, members, small) : null;
  });
  const { config, configDigest, layerNames, diffIds } = findImage(small, imageId);
  const layers = layerNames.map((written, at) => {
    const name = plainName(written);
    const found = members.get(name) ?? members.get(links.get(name) ?? '');
    if (found === undefined) throw badArchive(`a manifest that names the layer ${at + 1}, which is not there`);
    // A packed layer's digest is another than the one that the configuration holds; the registry's pullers check that.
    if (!found.gzipped && found.digest !== diffIds[at])
      throw badArchive(`a layer ${at + 1} with other bytes than its digest`);
    return {
      member: members.has(name) ? name : (links.get(name) ?? ''),
      mediaType: found.gzipped ? MEDIA_TYPES.gzippedLayer : MEDIA_TYPES.layer,
      digest: found.digest,
      size: found.size,
    };
  });
  return { config, configDigest, layers };
}

/** Gives the contents of members to `take`, in the order of the archive; null leaves one out. */
export async function readLayers(
  archive: ImageArchive,
  take: (name: string) => ((content: AsyncIterable<Buffer>) => Promise<void>) | null,
  signal?: AbortSignal,
): Promise<void> {
  await readMembers(await archive.open(signal), signal, (member, name) => {
    const work = take(name);
    return work === null ? null : () => work(member as AsyncIterable<Buffer>);
  });
}

async function indexMember(
  member: ReadEntry,
  name: string,
  members: Map<string, Member>,
  small: SmallMembers,
): Promise<void> {
  const hash = createHash('sha256');
  const keep = member.size <= (name === MANIFEST ? MANIFEST_BYTES : SMALL_BYTES);
  const kept: Buffer[] = [];
  let start = Buffer.alloc(0);
  for await (const chunk of member as AsyncIterable<Buffer>) {
    hash.update(chunk);
    if (start.length < GZIP_MAGIC.length) start = Buffer.concat([start, chunk.subarray(0, GZIP_MAGIC.length)]);
    if (keep) kept.push(chunk);
  }
  const digest: Digest = `sha256:${hash.digest('hex')}`;
  members.set(name, { size: member.size, digest, gzipped: start.subarray(0, 2).equals(GZIP_MAGIC) });
  if (keep) small.add(name, Buffer.concat(kept));
}

/** Members that may turn out to be the manifest or a configuration. */
class SmallMembers {
  private readonly contents = new Map<string, Buffer>();
  private bytes = 0;

  add(name: string, content: Buffer): void {
    // Both are JSON objects or lists; layers and the like are not kept.
    if (!/^\s*[[{]/.test(content.subarray(0, 16).toString('latin1'))) return;
    this.bytes += content.length;
    if (this.bytes > ALL_SMALL_BYTES) throw badArchive('too many small files');
    this.contents.set(name, content);
  }

  get(name: string): Buffer | undefined {
    return this.contents.get(plainName(name));
  }
}

function findImage(
  small: SmallMembers,
  imageId: Digest | null,
): { config: Buffer; configDigest: Digest; layerNames: readonly string[]; diffIds: readonly Digest[] } {
  const images = archiveManifest.safeParse(jsonOf(small.get(MANIFEST))).data ?? [];
  for (const { Config, Layers } of images) {
    const config = small.get(Config);
    if (config === undefined) continue;
    const configDigest = sha256(config);
    if (imageId !== null && configDigest !== imageId) continue;
    const diffIds = readConfiguration(config)?.rootfs.diff_ids;
    if (diffIds?.length === Layers.length) return { config, configDigest, layerNames: Layers, diffIds };
  }
  throw badArchive(imageId === null ? 'no image in it' : `no image ${imageId} in it`);
}

/** Reads a tar to its end; a failure of `visit` ends the reading. */
async function readMembers(
  archive: Readable,
  signal: AbortSignal | undefined,
  visit: (member: ReadEntry, name: string) => (() => Promise<void>) | null,
): Promise<void> {
  // One after the other: a member that waits holds the archive's stream back.
  let visits = Promise.resolve();
  let failure: Error | undefined;
  const parser = new Parser({
    onReadEntry: (member) => {
      const work = failure === undefined ? visit(member, plainName(member.path)) : null;
      if (work === null) {
        member.resume();
        return;
      }
      visits = visits
        .then(() => (failure === undefined ? work() : undefined))
        .catch((error: unknown) => {
          failure = error instanceof Error ? error : new Error(String(error));
          archive.destroy(failure);
        });
    },
    strict: true,
  });
  try {
    // The library's parser has what a writable stream needs, but not its type.
    await pipeline(archive, parser as unknown as NodeJS.WritableStream, ...(signal === undefined ? [] : [{ signal }]));
    await visits;
  } catch (error) {
    signal?.throwIfAborted();
    if (failure !== undefined) throw failure;
    if (error instanceof Error && 'tarCode' in error)
      throw badArchive('a file that is not a tar archive, or a broken one');
    throw error;
  }
  if (failure !== undefined) throw failure;
}

function plainName(path: string): string {
  return path.replace(/^(?:\.?\/)+/, '');
}

function jsonOf(bytes: Buffer | undefined): unknown {
  try {
    return bytes === undefined ? undefined : JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

function badArchive(found: string): Error {
  return unusable(
    "The image's archive cannot be pushed.",
    found,
    'Save the image again with docker save.',
    'an archive that docker save wrote',
  );
}
