import { crc32, deflateSync } from 'node:zlib';

const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');

/** An 8-bit grey PNG. Rows take the five filters of the format in turn, so that a reader of it meets them all. */
export function encodeGreyPng(width: number, height: number, pixels: Uint8Array): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8;
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(filtered(width, height, pixels))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, content: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), content]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(content.length, 0);
  frame.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
}

function filtered(width: number, height: number, pixels: Uint8Array): Buffer {
  const rows = Buffer.alloc(height * (width + 1));
  for (let row = 0; row < height; row += 1) {
    const filter = row % PREDICTORS.length;
    const predict = PREDICTORS[filter] ?? none;
    const start = row * (width + 1);
    rows[start] = filter;
    for (let column = 0; column < width; column += 1) {
      const at = row * width + column;
      const left = column > 0 ? (pixels[at - 1] ?? 0) : 0;
      const above = row > 0 ? (pixels[at - width] ?? 0) : 0;
      const both = row > 0 && column > 0 ? (pixels[at - width - 1] ?? 0) : 0;
      rows[start + 1 + column] = (pixels[at] ?? 0) - predict(left, above, both);
    }
  }
  return rows;
}

type Predictor = (left: number, above: number, both: number) => number;

const none: Predictor = () => 0;
const PREDICTORS: readonly Predictor[] = [none, (left) => left, (_left, above) => above, mean, nearest];

function mean(left: number, above: number): number {
  return (left + above) >> 1;
}

/** The neighbour nearest to left + above − both, in this order where they tie. */
function nearest(left: number, above: number, both: number): number {
  const distances = [above - both, left - both, left + above - 2 * both].map(Math.abs);
  return [left, above, both][distances.indexOf(Math.min(...distances))] ?? 0;
}
