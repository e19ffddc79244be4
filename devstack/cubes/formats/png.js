'use strict';

const { inflateSync } = require('node:zlib');

const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');

/** Decodes an 8-bit grey PNG without interlacing into `{ width, height, pixels }`, one byte a pixel, row by row. */
module.exports.decodePng = function decodePng(bytes) {
  if (!bytes.subarray(0, 8).equals(SIGNATURE)) throw new Error('is not a PNG file');
  const { header, data } = chunks(bytes);
  const width = header.readUInt32BE(0);
  const height = header.readUInt32BE(4);
  const [depth, colour, , , interlace] = header.subarray(8);
  if (depth !== 8 || colour !== 0 || interlace !== 0) throw new Error('is not a plain 8-bit grey PNG');
  const filtered = inflateSync(data, { maxOutputLength: height * (width + 1) });
  if (filtered.length !== height * (width + 1)) throw new Error('ends before its last row');
  return { width, height, pixels: unfilter(filtered, width, height) };
};

function chunks(bytes) {
  let header = null;
  const data = [];
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = bytes.readUInt32BE(at);
    const type = bytes.toString('latin1', at + 4, at + 8);
    const content = bytes.subarray(at + 8, at + 8 + length);
    if (type === 'IHDR') header = content;
    if (type === 'IDAT') data.push(content);
    at += 12 + length;
  }
  if (header === null || header.length < 13) throw new Error('has no header');
  return { header, data: Buffer.concat(data) };
}

/** Every row begins with a byte that says how its pixels were predicted from those to the left (a), above (b) and both (c). */
function unfilter(filtered, width, height) {
  const pixels = new Uint8Array(width * height);
  for (let row = 0; row < height; row += 1) {
    const start = row * (width + 1);
    const predict = PREDICTORS[filtered[start]];
    if (predict === undefined) throw new Error(`uses the unknown filter ${filtered[start]}`);
    for (let column = 0; column < width; column += 1) {
      const at = row * width + column;
      const a = column > 0 ? pixels[at - 1] : 0;
      const b = row > 0 ? pixels[at - width] : 0;
      const c = row > 0 && column > 0 ? pixels[at - width - 1] : 0;
      pixels[at] = filtered[start + 1 + column] + predict(a, b, c);
    }
  }
  return pixels;
}

const PREDICTORS = [() => 0, (a) => a, (_a, b) => b, (a, b) => (a + b) >> 1, paeth];

function paeth(a, b, c) {
  const estimate = a + b - c;
  const toA = Math.abs(estimate - a);
  const toB = Math.abs(estimate - b);
  const toC = Math.abs(estimate - c);
  if (toA <= toB && toA <= toC) return a;
  return toB <= toC ? b : c;
}
