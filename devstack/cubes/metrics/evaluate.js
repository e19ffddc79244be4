'use strict';

const { readFileSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { parse, stringify } = require('yaml');
const { readLabels } = require('../formats/prepared-data');
const { accuracy, auroc, f1 } = require('./scores');

/** Predictions and labels → YAML `{ AUC: { label: … }, F1: { label: … }, Accuracy }`. */
module.exports.evaluate = function evaluate(args, log) {
  const { labels, threshold } = parse(readFileSync(args.parameters_file, 'utf8'));
  const truths = readLabels(args.labels, labels);
  const predictions = readPredictions(args.predictions, Object.keys(truths), labels);
  const columns = labels.map((label, at) => ({
    label,
    truth: Object.values(truths).map((row) => row[at]),
    score: Object.keys(truths).map((id) => predictions[id][at]),
  }));
  const byLabel = (metric) =>
    Object.fromEntries(columns.map(({ label, truth, score }) => [label, rounded(metric(truth, score))]));
  const results = {
    AUC: byLabel(auroc),
    F1: byLabel((truth, score) => f1(truth, score, threshold)),
    Accuracy: rounded(
      accuracy(
        columns.flatMap(({ truth }) => truth),
        columns.flatMap(({ score }) => score),
        threshold,
      ),
    ),
  };
  writeFileSync(args.output_path, stringify(results));
  log(`evaluated ${Object.keys(truths).length} images, accuracy ${results.Accuracy}`);
};

/** Reads `predictions.json` and fails with what is wrong with its shape. */
function readPredictions(directory, ids, labels) {
  const predictions = JSON.parse(readFileSync(join(directory, 'predictions.json'), 'utf8'));
  for (const id of ids) {
    const row = predictions[id];
    const shown = row === undefined ? 'nothing' : JSON.stringify(row);
    const fits = Array.isArray(row) && row.length === labels.length && row.every((value) => Number.isFinite(value));
    if (!fits)
      throw new Error(
        `predictions.json: image ${id}: expected ${labels.length} numbers (${labels.join(', ')}), found ${shown}`,
      );
  }
  return predictions;
}

function rounded(value) {
  return Number(value.toFixed(4));
}
