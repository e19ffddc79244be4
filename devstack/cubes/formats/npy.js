'use strict';

const MAGIC = Buffer.from('\x93NUMPY\x01\x00', 'latin1');
const PREFIX = MAGIC.length + 2;

/** NumPy's file format, version 1.0, for little-endian 32-bit floats in C order. */
module.exports.encodeNpy = function encodeNpy(values, shape) {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')}${shape.length === 1 ? ',' : ''}), }`;
  const length = Math.ceil((PREFIX + text.length + 1) / 64) * 64 - PREFIX;
  const bytes = Buffer.alloc(PREFIX + length + 4 * values.length, ' ');
  MAGIC.copy(bytes);
  bytes.writeUInt16LE(length, MAGIC.length);
  bytes.write(text, PREFIX, 'latin1');
  bytes.write('\n', PREFIX + length - 1);
  values.forEach((value, at) => bytes.writeFloatLE(value, PREFIX + length + 4 * at));
  return bytes;
};

module.exports.decodeNpy = function decodeNpy(bytes) {
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) throw new Error('is not a NumPy file of version 1.0');
  const length = bytes.readUInt16LE(MAGIC.length);
  const text = bytes.toString('latin1', PREFIX, PREFIX + length);
  const [, dimensions] = /'descr': '<f4', 'fortran_order': False, 'shape': \(([\d, ]*)\)/.exec(text) ?? [];
  if (dimensions === undefined) throw new Error(`holds another kind of array: ${text.trim()}`);
  const shape = dimensions
    .split(',')
    .filter((part) => part.trim() !== '')
    .map(Number);
  const size = shape.reduce((product, dimension) => product * dimension, 1);
  const data = bytes.subarray(PREFIX + length);
  if (data.length !== 4 * size) throw new Error(`should hold ${size} numbers and has ${data.length} bytes`);
  return { shape, values: Float32Array.from({ length: size }, (_, at) => data.readFloatLE(4 * at)) };
};
