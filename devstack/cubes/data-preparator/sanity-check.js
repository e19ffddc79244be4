'use strict';

const { readFileSync } = require('node:fs');
const { parse } = require('yaml');
const { readImages, readLabels } = require('../formats/prepared-data');

/**
 * Fails with every image that the model could not read, so that one look is enough to mend the data. Today's MedPerf gives
 * this task no report to compare with.
 */
module.exports.sanityCheck = function sanityCheck(args, log) {
  const { size, labels } = parse(readFileSync(args.parameters_file, 'utf8'));
  const images = readImages(args.data_path);
  const truths = readLabels(args.labels_path, labels);
  const complaints = images.flatMap((image) => complaintsOf(image, size, truths));
  for (const id of Object.keys(truths)) {
    if (!images.some((image) => image.id === id)) complaints.push(`${id} has labels and no image`);
  }
  if ('report_file' in args) {
    const report = parse(readFileSync(args.report_file, 'utf8'));
    if (report.images !== images.length)
      complaints.push(`the report counts ${report.images} images, there are ${images.length}`);
  }
  if (complaints.length > 0) throw new Error(complaints.join('\n'));
  log(`${images.length} images are ${size} × ${size} × 1 and labelled`);
};

function complaintsOf({ id, shape, values }, size, truths) {
  const complaints = [];
  if (shape.join() !== [size, size, 1].join()) complaints.push(`${id} has the shape ${shape.join(' × ')}`);
  if (!values.every((value) => value >= 0 && value <= 1)) complaints.push(`${id} has values outside 0 to 1`);
  if (truths[id] === undefined) complaints.push(`${id} has no labels`);
  return complaints;
}
