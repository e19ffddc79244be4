import { Header } from 'tar';
import type { MedperfError } from '../contract';
import { refused } from './failures';

const BLOCK = 512;
/** A pax or GNU header that is longer names nothing that a file system could hold. */
const MAX_EXTENSION_BYTES = 1024 * 1024;

export interface TarMember {
  readonly path: string;
  /** `File`, `Directory`, or the kind of what is neither. */
  readonly type: string;
  readonly executable: boolean;
  readonly size: number;
  /** The file's bytes, to be read before the next member is asked for. */
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * The members of a tar archive (ustar, pax, GNU long names), one after the other. Throws `InvalidRequest` for what is
 * truncated or not an archive. The parser of the `tar` package passes over some of that, so only its header is used.
 */
export async function* readTar(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<TarMember, void> {
  const input = new ByteQueue(bytes);
  try {
    yield* members(input);
    // What follows the end is read all the same, so that a checksum behind it is verified.
    await input.drain();
  } finally {
    await input.close();
  }
}

async function* members(input: ByteQueue): AsyncGenerator<TarMember, void> {
  let extension: Extension = {};
  for (;;) {
    const header = parseHeader(await input.take(BLOCK));
    if (header.nullBlock) return;
    const size = header.size ?? 0;
    const extended = await readExtension(input, header, size);
    if (extended !== null) {
      extension = { ...extension, ...extended };
      continue;
    }
    const length = header.type === 'Directory' ? 0 : (extension.size ?? size);
    const path = extension.path ?? header.path ?? '';
    const body = input.read(length);
    const executable = ((header.mode ?? 0) & 0o100) !== 0;
    yield { path, type: kindOf(header, path), executable, size: length, body };
    // Whatever the reader of the member left.
    for await (const _ of body);
    await input.take(padding(length));
    extension = {};
  }
}

interface Extension {
  readonly path?: string;
  readonly size?: number;
}

/** What a header says of the next member, or null when it is a member itself. */
async function readExtension(input: ByteQueue, header: Header, size: number): Promise<Extension | null> {
  switch (header.type) {
    case 'ExtendedHeader':
    case 'OldExtendedHeader':
      return parsePax(await readText(input, size));
    case 'NextFileHasLongPath':
    case 'OldGnuLongPath': {
      const [path = ''] = (await readText(input, size)).toString().split('\0');
      return { path };
    }
    case 'GlobalExtendedHeader':
    case 'NextFileHasLongLinkpath':
      await readText(input, size);
      return {};
    default:
      return null;
  }
}

async function readText(input: ByteQueue, size: number): Promise<Buffer> {
  if (size > MAX_EXTENSION_BYTES) throw corrupt('an extended header of more than 1 MiB');
  const text = await input.take(size);
  await input.take(padding(size));
  return text;
}

/** Records `LENGTH KEY=VALUE\n`, where the length counts bytes: a value may hold line ends. */
function parsePax(text: Buffer): Extension {
  const found: { path?: string; size?: number } = {};
  for (let at = 0; at < text.length;) {
    const space = text.indexOf(' ', at);
    const length = Number(text.subarray(at, space).toString());
    const end = at + length;
    if (space < at || !Number.isSafeInteger(length) || end <= space || end > text.length)
      throw corrupt('a damaged extended header');
    const [key = '', ...value] = text
      .subarray(space + 1, end - 1)
      .toString()
      .split('=');
    if (key.startsWith('GNU.sparse.')) throw corrupt('a sparse file');
    if (key === 'path') found.path = value.join('=');
    if (key === 'size') found.size = checkedSize(Number(value.join('=')));
    at = end;
  }
  return found;
}

function parseHeader(block: Buffer): Header {
  let header: Header;
  try {
    header = new Header(block);
  } catch {
    throw corrupt('a damaged header');
  }
  if (header.nullBlock) return header;
  if (!header.cksumValid) throw corrupt('bytes that are no tar header, or a damaged one');
  checkedSize(header.size ?? 0);
  return header;
}

function kindOf(header: Header, path: string): string {
  switch (header.type) {
    case 'File':
    case 'OldFile':
    case 'ContiguousFile':
      // As the first tar wrote folders.
      return path.endsWith('/') ? 'Directory' : 'File';
    default:
      return header.type;
  }
}

function checkedSize(size: number): number {
  if (Number.isSafeInteger(size) && size >= 0) return size;
  throw corrupt('a member with an impossible size');
}

function padding(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

export function corrupt(found: string): MedperfError {
  return refused('The archive cannot be read.', found, 'Make the archive again.', 'a whole tar or tar.gz archive');
}

/** Hands out a stream's bytes in the lengths that are asked for. */
class ByteQueue {
  private readonly chunks: AsyncIterator<Uint8Array>;
  private held: Uint8Array = new Uint8Array(0);

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.chunks = bytes[Symbol.asyncIterator]();
  }

  async take(length: number): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    for await (const part of this.read(length)) parts.push(part);
    return Buffer.concat(parts);
  }

  /** The next `length` bytes; iterated again, it goes on where it stopped. */
  read(length: number): AsyncIterable<Uint8Array> {
    let left = length;
    const next = async (): Promise<IteratorResult<Uint8Array, undefined>> => {
      if (left === 0) return { done: true, value: undefined };
      if (this.held.length === 0) await this.fill();
      const value = this.held.subarray(0, left);
      this.held = this.held.subarray(value.length);
      left -= value.length;
      return { done: false, value };
    };
    return { [Symbol.asyncIterator]: () => ({ next }) };
  }

  async drain(): Promise<void> {
    while (!(await this.chunks.next()).done);
  }

  async close(): Promise<void> {
    await this.chunks.return?.();
  }

  private async fill(): Promise<void> {
    while (this.held.length === 0) {
      const next = await this.chunks.next();
      if (next.done) throw corrupt('a truncated archive');
      this.held = next.value;
    }
  }
}
