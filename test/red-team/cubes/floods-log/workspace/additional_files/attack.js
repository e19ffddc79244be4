'use strict';

const fs = require('node:fs');
const { facts, record } = require('./recorder');

/** Even unconfined this must not hurt the machine. */
const MOST_BYTES = 200e6;

record('begin', { did: facts.variant });
const piece = Buffer.alloc(64 * 1024, facts.variant === 'lines' ? 'spam and more spam\n' : 'x');
process.on('SIGTERM', () => undefined);
for (let written = 0; written < MOST_BYTES;) written += fs.writeSync(facts.variant === 'errors' ? 2 : 1, piece);
record('write a log without end', { did: `${MOST_BYTES} bytes` });
