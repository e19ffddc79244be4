'use strict';

/** Shrinks a grey image to `size` × `size` numbers from 0 to 1; each is the mean of the pixels that it covers. */
module.exports.resample = function resample({ width, height, pixels }, size) {
  if (width < size || height < size) throw new Error(`is ${width} × ${height}, smaller than ${size} × ${size}`);
  const values = new Float32Array(size * size);
  for (let row = 0; row < size; row += 1) {
    const [top, bottom] = covered(row, height, size);
    for (let column = 0; column < size; column += 1) {
      const [left, right] = covered(column, width, size);
      let sum = 0;
      for (let y = top; y < bottom; y += 1) {
        for (let x = left; x < right; x += 1) sum += pixels[y * width + x];
      }
      values[row * size + column] = sum / ((bottom - top) * (right - left) * 255);
    }
  }
  return values;
};

function covered(at, from, to) {
  return [Math.floor((at * from) / to), Math.floor(((at + 1) * from) / to)];
}
