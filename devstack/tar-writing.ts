import { createReadStream } from 'node:fs';
import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Header } from 'tar';

/** One member of an archive. A folder's path ends in `/`. */
export interface TarMember {
  readonly path: string;
  readonly content: Buffer | StreamedContent;
  /** Permission bits; 0644, or 0755 for a folder, when absent. */
  readonly mode?: number;
}

/** What is too large to hold; `size` in bytes. */
export interface StreamedContent {
  readonly size: number;
  read(): AsyncIterable<Buffer>;
}

const BLOCK = 512;

/** A tar archive that depends on its members only: sorted by path, owner 0:0, dated 1970. */
export async function* tarBytes(members: readonly TarMember[]): AsyncGenerator<Buffer> {
  for (const member of [...members].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    const { content } = member;
    const size = sizeOf(member);
    yield header(member, size);
    if (Buffer.isBuffer(content)) yield content;
    else yield* content.read();
    yield Buffer.alloc(padded(size) - size);
  }
  yield Buffer.alloc(2 * BLOCK);
}

/** The same archive as content of a member of another one. */
export function nestedTar(members: readonly TarMember[]): StreamedContent {
  const size = members.reduce((sum, member) => sum + BLOCK + padded(sizeOf(member)), 2 * BLOCK);
  return { size, read: () => tarBytes(members) };
}

export async function fileContent(path: string): Promise<StreamedContent> {
  const { size } = await stat(path);
  return { size, read: () => createReadStream(path) as AsyncIterable<Buffer> };
}

/** A small archive, packed; the same members give the same bytes on the same Node.js. */
export async function tarGz(members: readonly TarMember[]): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of tarBytes(members)) pieces.push(piece);
  return gzipSync(Buffer.concat(pieces));
}

/** The folders and files below a directory as members under `prefix`. */
export async function membersBelow(directory: string, prefix: string): Promise<TarMember[]> {
  const members: TarMember[] = [];
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = `${prefix}${entry.name}`;
    const place = join(directory, entry.name);
    if (entry.isDirectory()) members.push(folder(`${path}/`), ...(await membersBelow(place, `${path}/`)));
    else members.push({ path, content: await readFile(place) });
  }
  return members;
}

export function folder(path: string, mode = 0o755): TarMember {
  return { path, mode, content: Buffer.alloc(0) };
}

function sizeOf({ content }: TarMember): number {
  return Buffer.isBuffer(content) ? content.length : content.size;
}

function padded(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK;
}

function header({ path, mode }: TarMember, size: number): Buffer {
  const isFolder = path.endsWith('/');
  const block = Buffer.alloc(BLOCK);
  const tooLong = new Header({
    path,
    type: isFolder ? 'Directory' : 'File',
    size,
    mode: mode ?? (isFolder ? 0o755 : 0o644),
    uid: 0,
    gid: 0,
    mtime: new Date(0),
  }).encode(block);
  if (tooLong) throw new Error(`${path} is too long for a plain tar header`);
  return block;
}
