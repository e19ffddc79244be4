'use strict';

const { readFileSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { parse } = require('yaml');
const { readImages } = require('../formats/prepared-data');
const { NETWORKS } = require('./networks');

/** Prepared images → `predictions.json`: `{ id: [probability of each label] }`. */
module.exports.infer = function infer(args, log) {
  const { model } = parse(readFileSync(args.parameters_file, 'utf8'));
  const network = NETWORKS[model];
  if (network === undefined)
    throw new Error(`parameters.yaml asks for the model "${model}"; there are ${Object.keys(NETWORKS).join(', ')}`);
  const weights = JSON.parse(readFileSync(args.weights, 'utf8'));
  if (weights.model !== model)
    throw new Error(`the weights are of the model "${weights.model}", parameters.yaml asks for "${model}"`);
  const images = readImages(args.data_path);
  log(`model ${model}, ${images.length} images`);
  const predictions = {};
  for (const [at, { id, values, shape }] of images.entries()) {
    if (shape[0] !== weights.size || shape[1] !== weights.size) {
      throw new Error(`image ${id} is ${shape.join(' × ')}; the weights are for ${weights.size} × ${weights.size}`);
    }
    predictions[id] = network(values, weights).map((probability) => Number(probability.toFixed(6)));
    if ((at + 1) % 20 === 0) log(`predicted ${at + 1} of ${images.length}`);
  }
  writeFileSync(join(args.output_path, 'predictions.json'), JSON.stringify(predictions));
};
