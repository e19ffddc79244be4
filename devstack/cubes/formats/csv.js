'use strict';

/** Reads a CSV file with a heading into one object a row; fields may be quoted and hold no quotes or line ends. */
module.exports.parseCsv = function parseCsv(text) {
  const [heading, ...lines] = text
    .split(/\r?\n/)
    .filter((line) => line !== '')
    .map(fields);
  if (heading === undefined) throw new Error('is empty');
  return lines.map((values, row) => {
    if (values.length !== heading.length) {
      throw new Error(`has ${values.length} fields in row ${row + 2} where the heading has ${heading.length}`);
    }
    return Object.fromEntries(heading.map((name, at) => [name, values[at]]));
  });
};

module.exports.formatCsv = function formatCsv(heading, rows) {
  return [heading, ...rows].map((row) => `${row.join(',')}\n`).join('');
};

function fields(line) {
  return [...line.matchAll(/(?:^|,)(?:"([^"]*)"|([^,]*))/g)].map(([, quoted, plain]) => quoted ?? plain);
}
