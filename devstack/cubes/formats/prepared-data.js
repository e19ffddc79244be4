'use strict';

const { readFileSync, readdirSync } = require('node:fs');
const { join } = require('node:path');
const { parseCsv } = require('./csv');
const { decodeNpy } = require('./npy');

/** What the data preparator hands on: one `<id>.npy` an image (height × width × 1, 0 to 1), and `labels.csv`, 0 or 1 a label. */
module.exports.LABELS_FILE = 'labels.csv';

module.exports.readImages = function readImages(directory) {
  const names = readdirSync(directory)
    .filter((name) => name.endsWith('.npy'))
    .sort();
  if (names.length === 0) throw new Error('the data folder holds no .npy file');
  return names.map((name) => {
    try {
      return { id: name.slice(0, -'.npy'.length), ...decodeNpy(readFileSync(join(directory, name))) };
    } catch (error) {
      throw new Error(`${name} ${error.message}`);
    }
  });
};

/** Truths by image: `{ id: [0 or 1 for each label] }`. */
module.exports.readLabels = function readLabels(directory, labels) {
  const rows = parseCsv(readFileSync(join(directory, module.exports.LABELS_FILE), 'utf8'));
  return Object.fromEntries(rows.map((row) => [row['Image ID'], labels.map((label) => truth(row, label))]));
};

function truth(row, label) {
  const text = row[label];
  if (text !== '0' && text !== '1') throw new Error(`labels of ${row['Image ID']}: ${label} is ${text}, not 0 or 1`);
  return Number(text);
}
