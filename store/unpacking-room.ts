import type { Digest } from '../contract';
import { missing } from './failures';
import type { SpaceShare, SpaceWaiting } from './space-admission';
import type { Store } from './store';
import type { UnpackLimits } from './unpack-limits';

/** Room that is asked for at a time when an archive holds more than it says. */
const STEP_BYTES = 64 * 1024 * 1024;
/** A gzip file ends with the length of its content modulo this. */
const LENGTH_MODULUS = 2 ** 32;
const LENGTH_BYTES = 4;

/** Waits until the disk has room for what an archive says that it holds, though never for more than it may. */
export async function unpackedRoom(
  store: Store,
  archive: Digest,
  { maxBytes, maxRatio }: UnpackLimits,
  waiting: SpaceWaiting,
): Promise<SpaceShare> {
  const packed = await store.sizeOf(archive);
  if (packed === null) throw missing(archive);
  const said = (await isGzip(store, archive)) ? await saidByGzip(store, archive, packed) : packed;
  return store.space.admit(Math.min(said, maxBytes, packed * maxRatio), waiting);
}

/** Passes an archive's unpacked bytes on; where they are more than it said, it waits for the room as they come. */
export async function* withRoom(
  chunks: AsyncIterable<Uint8Array>,
  room: SpaceShare,
  waiting: SpaceWaiting,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    if (room.left < chunk.length) await room.grow(STEP_BYTES, waiting);
    yield chunk;
    room.left -= chunk.length;
  }
}

export async function isGzip(store: Store, archive: Digest): Promise<boolean> {
  for await (const chunk of (await store.openRead(archive)) as AsyncIterable<Uint8Array>)
    return chunk[0] === 0x1f && chunk[1] === 0x8b;
  return false;
}

async function saidByGzip(store: Store, archive: Digest, packed: number): Promise<number> {
  const parts: Uint8Array[] = [];
  const end = { start: Math.max(packed - LENGTH_BYTES, 0), end: packed };
  for await (const part of (await store.openRead(archive, end)) as AsyncIterable<Uint8Array>) parts.push(part);
  const trailer = Buffer.concat(parts);
  const length = trailer.length === LENGTH_BYTES ? trailer.readUInt32LE() : 0;
  // No compression makes much more of its content: one that seems smaller is longer by the modulus, or holds several files.
  return length < packed / 2 ? Math.max(length + LENGTH_MODULUS * Math.floor(packed / LENGTH_MODULUS), packed) : length;
}
