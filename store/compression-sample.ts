import { deflateRawSync } from 'node:zlib';
import type { BlobRef, Digest } from '../contract';
import type { Store } from './store';

const SAMPLES = 32;
const SAMPLE_BYTES = 128 * 1024;
/** Weights save about 7 % and cost forty times as long as copying; text saves half and more. */
const WORTH_SAVING = 0.15;
/** Quick, and near enough to tell one from the other. */
const LEVEL = 1;

/** Whether compressing these files pays, as pieces from all over them show. */
export async function compressionPays(store: Store, files: readonly BlobRef[]): Promise<boolean> {
  let before = 0;
  let after = 0;
  for (const { digest, start, end } of pieces(files)) {
    const piece = await readPiece(store, digest, start, end);
    before += piece.length;
    after += deflateRawSync(piece, { level: LEVEL }).length;
  }
  return after < before * (1 - WORTH_SAVING);
}

/** Pieces at even distances, as if the files were one. */
function* pieces(files: readonly BlobRef[]): Generator<{ digest: Digest; start: number; end: number }> {
  const total = files.reduce((sum, { size }) => sum + size, 0);
  const step = Math.max(total / SAMPLES, SAMPLE_BYTES);
  let next = 0;
  let begin = 0;
  for (const { digest, size } of files) {
    for (; next < begin + size; next += step) {
      const start = Math.floor(next - begin);
      yield { digest, start, end: Math.min(start + SAMPLE_BYTES, size) };
    }
    begin += size;
  }
}

async function readPiece(store: Store, digest: Digest, start: number, end: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of (await store.openRead(digest, { start, end })) as AsyncIterable<Uint8Array>)
    parts.push(part);
  return Buffer.concat(parts);
}
