'use strict';

/**
 * Two small networks, each a function of an image (row by row, 0 to 1) and its weights.
 * `cnn`: convolution with 3 × 3 kernels → ReLU → means on a grid → one logistic unit a label.
 * `mlp`: means on a grid → one hidden layer (tanh) → one logistic unit a label.
 */
module.exports.NETWORKS = {
  cnn: (image, weights) => logistic(convolved(image, weights), weights.output),
  mlp: (image, weights) => logistic(hidden(pooled(image, weights.size, weights.grid), weights.hidden), weights.output),
};

/** The features before the trained layer of `cnn`. */
module.exports.convolved = convolved;
/** The features before the trained layers of `mlp`. */
module.exports.pooled = pooled;

function convolved(image, { size, grid, kernels }) {
  return kernels.flatMap((kernel) => pooled(convolution(image, size, kernel), size - 2, grid));
}

function convolution(image, size, kernel) {
  const side = size - 2;
  const response = new Float32Array(side * side);
  for (let row = 0; row < side; row += 1) {
    for (let column = 0; column < side; column += 1) {
      let sum = 0;
      for (let at = 0; at < 9; at += 1) {
        sum += kernel[at] * image[(row + Math.floor(at / 3)) * size + column + (at % 3)];
      }
      response[row * side + column] = Math.max(0, sum);
    }
  }
  return response;
}

/** Means of `grid` × `grid` fields of a square image. */
function pooled(image, side, grid) {
  const means = [];
  for (let row = 0; row < grid; row += 1) {
    for (let column = 0; column < grid; column += 1) {
      means.push(meanOf(image, side, span(row, side, grid), span(column, side, grid)));
    }
  }
  return means;
}

function meanOf(image, side, [top, bottom], [left, right]) {
  let sum = 0;
  for (let y = top; y < bottom; y += 1) {
    for (let x = left; x < right; x += 1) sum += image[y * side + x];
  }
  return sum / ((bottom - top) * (right - left));
}

function span(at, side, grid) {
  return [Math.floor((at * side) / grid), Math.floor(((at + 1) * side) / grid)];
}

function hidden(features, layer) {
  return linear(features, layer).map(Math.tanh);
}

function logistic(features, layer) {
  return linear(features, layer).map((sum) => 1 / (1 + Math.exp(-sum)));
}

function linear(features, { weights, biases }) {
  return weights.map((row, unit) => row.reduce((sum, weight, at) => sum + weight * features[at], biases[unit]));
}
