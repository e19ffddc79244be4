'use strict';

const { readFileSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { parse } = require('yaml');
const { readImages } = require('../formats/prepared-data');

/** A model that fails in the way its parameters.yaml says, to show what failure looks like. */
module.exports.infer = function infer(args, log) {
  const { failure } = parse(readFileSync(args.parameters_file, 'utf8'));
  const fail = FAILURES[failure];
  if (fail === undefined) throw new Error(`parameters.yaml asks for the failure "${failure}"`);
  fail(args, log);
};

const FAILURES = {
  'wrong-output-shape': (args, log) => {
    const predictions = Object.fromEntries(readImages(args.data_path).map(({ id }) => [id, [0.5]]));
    writeFileSync(join(args.output_path, 'predictions.json'), JSON.stringify(predictions));
    log('wrote one number an image, whatever the benchmark expects');
  },
  crash: () => {
    process.stderr.write('CUDA error: this model cannot work without a GPU\n');
    process.exit(3);
  },
  'endless-loop': (_args, log) => {
    for (let turn = 1; ; turn += 1) {
      log(`epoch ${turn}: still thinking`);
      // A blocking wait: the loop is endless, the log is not.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
    }
  },
};
