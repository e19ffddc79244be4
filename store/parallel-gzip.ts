import { constants, crc32, deflateRaw } from 'node:zlib';
import type { InputType, ZlibOptions } from 'node:zlib';

const BLOCK_BYTES = 512 * 1024;
/** How far back deflate looks, so that a block begins with what came before it. */
const WINDOW_BYTES = 32 * 1024;
/** Compressed at once by Node's thread pool; what bounds the memory. */
const BLOCKS_AT_ONCE = 8;
const LEVEL = 6;
/** No name, no time, system unknown: the same bytes for the same content (RFC 1952). */
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
/** A last deflate block without content. */
const LAST_BLOCK = Buffer.from([0x03, 0x00]);

/** One gzip member whose blocks are compressed on several processors, as pigz does it. */
export async function* gzipInParallel(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  const compressing: Promise<Buffer>[] = [];
  let checksum = 0;
  let length = 0;
  let window: Uint8Array = new Uint8Array(0);
  yield HEADER;
  try {
    for await (const block of inBlocks(bytes)) {
      checksum = crc32(block, checksum);
      length += block.length;
      compressing.push(compress(block, window));
      window = block.subarray(-WINDOW_BYTES);
      const first = compressing.length === BLOCKS_AT_ONCE ? compressing.shift() : undefined;
      if (first !== undefined) yield await first;
    }
    while (compressing.length > 0) yield (await compressing.shift()) ?? LAST_BLOCK;
  } finally {
    await Promise.allSettled(compressing);
  }
  yield LAST_BLOCK;
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(checksum, 0);
  trailer.writeUInt32LE(length % 2 ** 32, 4);
  yield trailer;
}

function compress(block: Uint8Array, window: Uint8Array): Promise<Buffer> {
  const options: ZlibOptions = {
    level: LEVEL,
    // Ends at a byte's border without ending the stream.
    finishFlush: constants.Z_SYNC_FLUSH,
    ...(window.length === 0 ? {} : { dictionary: window }),
  };
  return deflated(block, options);
}

function deflated(block: InputType, options: ZlibOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    deflateRaw(block, options, (error, result) => {
      if (error === null) resolve(result);
      else reject(error);
    });
  });
}

async function* inBlocks(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  let block = Buffer.allocUnsafe(BLOCK_BYTES);
  let filled = 0;
  for await (const chunk of bytes) {
    for (let from = 0; from < chunk.length;) {
      const taken = Math.min(chunk.length - from, BLOCK_BYTES - filled);
      block.set(chunk.subarray(from, from + taken), filled);
      from += taken;
      filled += taken;
      if (filled < BLOCK_BYTES) continue;
      yield block;
      // The next block's window points into this one.
      block = Buffer.allocUnsafe(BLOCK_BYTES);
      filled = 0;
    }
  }
  if (filled > 0) yield block.subarray(0, filled);
}
