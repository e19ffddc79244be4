'use strict';

/**
 * Trains the example cubes' weights: `node train.js cnn|mlp PREPARED_IMAGES PREPARED_LABELS > weights.json`.
 * The images are `demoDataFiles({ seed: 2026, images: 1500 })`, prepared by the data preparator: other patients than the demo's.
 */
const { readImages, readLabels } = require('../formats/prepared-data');
const { convolved, pooled } = require('../model/networks');

const LABELS = ['Atelectasis', 'Cardiomegaly', 'Consolidation', 'Edema'];
const SIZE = 28;
/** Brightness, its slopes, ridges and spots, and what is darker than its surroundings. */
const KERNELS = [
  [1, 1, 1, 1, 1, 1, 1, 1, 1].map((weight) => weight / 9),
  [-1, -2, -1, 0, 0, 0, 1, 2, 1],
  [1, 2, 1, 0, 0, 0, -1, -2, -1],
  [-1, 0, 1, -2, 0, 2, -1, 0, 1],
  [1, 0, -1, 2, 0, -2, 1, 0, -1],
  [-1, -1, -1, 2, 2, 2, -1, -1, -1],
];

const [model, images, labels] = process.argv.slice(2);
const random = generator(7);
const truths = readLabels(labels, LABELS);
const cases = readImages(images).map(({ id, values }) => ({ image: values, truth: truths[id] }));
process.stdout.write(`${JSON.stringify(model === 'cnn' ? trainCnn() : trainMlp())}\n`);

function trainCnn() {
  const shape = { model: 'cnn', size: SIZE, grid: 6, kernels: KERNELS };
  const inputs = cases.map(({ image }) => convolved(image, shape));
  const scaling = scalingOf(inputs);
  const layers = descend(inputs.map(scaling.apply), [layer(inputs[0].length, LABELS.length)], {
    rounds: 120,
    rate: 0.02,
    decay: 0.01,
  });
  return { ...shape, output: rounded(scaling.unapply(layers[0])) };
}

function trainMlp() {
  const shape = { model: 'mlp', size: SIZE, grid: 9 };
  const inputs = cases.map(({ image }) => pooled(image, SIZE, shape.grid));
  const scaling = scalingOf(inputs);
  const layers = [layer(inputs[0].length, 12), layer(12, LABELS.length)];
  descend(inputs.map(scaling.apply), layers, { rounds: 40, rate: 0.02, decay: 0.001 });
  return { ...shape, hidden: rounded(scaling.unapply(layers[0])), output: rounded(layers[1]) };
}

/** Stochastic gradient descent on the cross-entropy of every label; all layers but the last are tanh. */
function descend(inputs, layers, { rounds, rate, decay }) {
  for (let round = 0; round < rounds; round += 1) {
    const step = rate / (1 + round / 10);
    for (const at of shuffled(inputs.length)) {
      const values = [inputs[at]];
      layers.forEach(({ weights, biases }, depth) => {
        const last = depth === layers.length - 1;
        const sums = weights.map((row, unit) =>
          row.reduce((sum, weight, i) => sum + weight * values[depth][i], biases[unit]),
        );
        values.push(sums.map((sum) => (last ? 1 / (1 + Math.exp(-sum)) : Math.tanh(sum))));
      });
      let error = values.at(-1).map((value, unit) => value - cases[at].truth[unit]);
      for (let depth = layers.length - 1; depth >= 0; depth -= 1) {
        const { weights, biases } = layers[depth];
        const below = values[depth].map(
          (value, i) => weights.reduce((sum, row, unit) => sum + row[i] * error[unit], 0) * (1 - value * value),
        );
        weights.forEach((row, unit) => {
          biases[unit] -= step * error[unit];
          row.forEach((weight, i) => (row[i] -= step * (error[unit] * values[depth][i] + decay * weight)));
        });
        error = below;
      }
    }
  }
  return layers;
}

function layer(inputs, units) {
  const weights = Array.from({ length: units }, () =>
    Array.from({ length: inputs }, () => (random() - 0.5) / Math.sqrt(inputs)),
  );
  return { weights, biases: Array.from({ length: units }, () => 0) };
}

/** Inputs of mean 0 and deviation 1 train well; `unapply` moves that into the layer that was trained on them. */
function scalingOf(inputs) {
  const columns = inputs[0].map((_, i) => inputs.map((row) => row[i]));
  const means = columns.map((column) => column.reduce((sum, value) => sum + value, 0) / column.length);
  const deviations = columns.map(
    (column, i) => Math.sqrt(column.reduce((sum, value) => sum + (value - means[i]) ** 2, 0) / column.length) || 1,
  );
  return {
    apply: (row) => row.map((value, i) => (value - means[i]) / deviations[i]),
    unapply: ({ weights, biases }) => ({
      weights: weights.map((row) => row.map((weight, i) => weight / deviations[i])),
      biases: biases.map(
        (bias, unit) => bias - weights[unit].reduce((sum, weight, i) => sum + (weight * means[i]) / deviations[i], 0),
      ),
    }),
  };
}

function rounded({ weights, biases }) {
  const short = (value) => Number(value.toPrecision(5));
  return { weights: weights.map((row) => row.map(short)), biases: biases.map(short) };
}

function shuffled(length) {
  const order = Array.from({ length }, (_, at) => at);
  for (let at = length - 1; at > 0; at -= 1) {
    const other = Math.floor(random() * (at + 1));
    [order[at], order[other]] = [order[other], order[at]];
  }
  return order;
}

function generator(seed) {
  let state = seed;
  return () => (state = (state * 16807) % 2147483647) / 2147483647;
}
