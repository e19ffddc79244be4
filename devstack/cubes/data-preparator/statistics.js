'use strict';

const { readFileSync, writeFileSync } = require('node:fs');
const { parse, stringify } = require('yaml');
const { readImages, readLabels } = require('../formats/prepared-data');

/** What may be told about a dataset without showing it. */
module.exports.statistics = function statistics(args, log) {
  const { labels } = parse(readFileSync(args.parameters_file, 'utf8'));
  const images = readImages(args.data_path);
  const truths = Object.values(readLabels(args.labels_path, labels));
  const { mean, deviation } = brightness(images);
  const positives = labels.map((label, at) => [label, truths.filter((truth) => truth[at] === 1).length]);
  writeFileSync(
    args.output_path,
    stringify({ images: images.length, mean, deviation, positives: Object.fromEntries(positives) }),
  );
  log(`statistics of ${images.length} images`);
};

function brightness(images) {
  let count = 0;
  let sum = 0;
  let squares = 0;
  for (const { values } of images) {
    for (const value of values) {
      count += 1;
      sum += value;
      squares += value * value;
    }
  }
  const mean = sum / count;
  return { mean: rounded(mean), deviation: rounded(Math.sqrt(squares / count - mean * mean)) };
}

function rounded(value) {
  return Number(value.toFixed(4));
}
