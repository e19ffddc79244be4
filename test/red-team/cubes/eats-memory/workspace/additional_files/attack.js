'use strict';

const fs = require('node:fs');
const { facts, record } = require('./recorder');

const MIB = 1024 * 1024;
/** Even unconfined this must not hurt the machine. */
const MOST_MIB = 400;

record('begin', { did: facts.variant });
const held = [];
for (let taken = 0; taken < MOST_MIB; taken += 4) {
  if (facts.variant === 'its own') held.push(Buffer.alloc(4 * MIB, 1));
  else fs.writeFileSync(`${facts.variant}/memory-${taken}`, Buffer.alloc(4 * MIB, 1));
}
record('take memory without end', { did: `${MOST_MIB} MiB, ${held.length} pieces` });
