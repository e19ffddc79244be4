'use strict';

const { readFileSync, readdirSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { parse, stringify } = require('yaml');
const { formatCsv, parseCsv } = require('../formats/csv');
const { encodeNpy } = require('../formats/npy');
const { decodePng } = require('../formats/png');
const { LABELS_FILE } = require('../formats/prepared-data');
const { resample } = require('./resample');

/** PNG images and `labels.csv` ("Image ID", "Label": names joined by "|") → one array an image and one-hot labels. */
module.exports.prepare = function prepare(args, log) {
  const { size, labels } = parse(readFileSync(args.parameters_file, 'utf8'));
  const rows = parseCsv(readFileSync(join(args.labels_path, LABELS_FILE), 'utf8'));
  const names = readdirSync(args.data_path)
    .filter((name) => name.endsWith('.png'))
    .sort();
  log(`${names.length} images, ${rows.length} rows of labels`);
  for (const [at, name] of names.entries()) {
    const id = name.slice(0, -'.png'.length);
    writeFileSync(
      join(args.output_path, `${id}.npy`),
      encodeNpy(prepared(join(args.data_path, name), name, size), [size, size, 1]),
    );
    if ((at + 1) % 20 === 0) log(`prepared ${at + 1} of ${names.length}`);
  }
  const oneHot = rows.map((row) => [row['Image ID'], ...oneHotOf(row, labels)]);
  writeFileSync(join(args.output_labels_path, LABELS_FILE), formatCsv(['Image ID', ...labels], oneHot));
  writeFileSync(args.report_file, stringify({ images: names.length, labels: rows.length, size }));
};

function prepared(path, name, size) {
  try {
    return resample(decodePng(readFileSync(path)), size);
  } catch (error) {
    throw new Error(`${name} ${error.message}`);
  }
}

function oneHotOf(row, labels) {
  const found = row['Label'].split('|').filter((label) => label !== 'No Finding');
  const unknown = found.find((label) => !labels.includes(label));
  if (unknown !== undefined) throw new Error(`image ${row['Image ID']} has the unknown label ${unknown}`);
  return labels.map((label) => (found.includes(label) ? 1 : 0));
}
