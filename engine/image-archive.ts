import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Header, Pack, Parser, ReadEntry } from 'tar';
import { z } from 'zod';
import { isDigest } from '../contract';
import type { Digest } from '../contract';

const MANIFEST = 'manifest.json';
/** Other lists of names, which some daemons read beside or instead of the manifest. */
const OTHER_INDEXES = new Set(['repositories', 'index.json', 'oci-layout']);
const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;

const imageInArchive = z.object({
  Config: z.string(),
  RepoTags: z.array(z.string()).nullish(),
  Layers: z.array(z.string()),
});
const archiveManifest = z.array(imageInArchive);

/** An image of a `docker save` archive: its id, and the archive's own description of it. */
export interface ArchivedImage {
  readonly id: Digest;
  readonly description: z.infer<typeof imageInArchive>;
}

/** Finds the image of that name in an archive, else its first one; null when the archive has none or cannot be read. */
export async function findArchivedImage(archive: Readable, reference: string): Promise<ArchivedImage | null> {
  const images = await readManifest(archive);
  const description = images.find(({ RepoTags }) => RepoTags?.includes(reference)) ?? images[0];
  const hex = /(?:^|\/)([0-9a-f]{64})(?:\.json)?$/.exec(description?.Config ?? '')?.[1];
  const id = `sha256:${hex ?? ''}`;
  return description !== undefined && isDigest(id) ? { id, description } : null;
}

/**
 * The archive with that one image and without its names: whoever packed it must not decide what the names on this host
 * stand for.
 */
export function withoutNames(archive: Readable, { description }: ArchivedImage): NodeJS.ReadableStream {
  const pack = new Pack();
  const parser = new Parser({
    strict: true,
    onReadEntry: (member) => {
      const name = plainName(member.path);
      if (name === MANIFEST || OTHER_INDEXES.has(name)) member.resume();
      else pack.add(member);
    },
  });
  parser.on('end', () => {
    pack.add(jsonMember(MANIFEST, [{ ...description, RepoTags: null }]));
    pack.end();
  });
  pipeline(archive, asWritable(parser)).catch((error: unknown) => pack.emit('error', error));
  return pack as unknown as NodeJS.ReadableStream;
}

async function readManifest(archive: Readable): Promise<z.infer<typeof archiveManifest>> {
  const chunks: Buffer[] = [];
  const parser = new Parser({
    strict: true,
    onReadEntry: (member) => {
      if (plainName(member.path) === MANIFEST && member.size <= MAX_MANIFEST_BYTES) {
        chunks.length = 0;
        member.on('data', (chunk: Buffer) => chunks.push(chunk));
      } else {
        member.resume();
      }
    },
  });
  try {
    await pipeline(archive, asWritable(parser));
    return archiveManifest.parse(JSON.parse(Buffer.concat(chunks).toString('utf8')));
  } catch {
    return [];
  }
}

function jsonMember(path: string, value: unknown): ReadEntry {
  const content = Buffer.from(JSON.stringify(value));
  const header = new Header({ path, size: content.length, type: 'File', mode: 0o644, mtime: new Date(0) });
  const member = new ReadEntry(header);
  member.end(content);
  return member;
}

function plainName(path: string): string {
  return path.replace(/^(?:\.?\/)+/, '');
}

/** The library's parser has what a writable stream needs, but not its type. */
function asWritable(parser: Parser): NodeJS.WritableStream {
  return parser;
}
