'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { attempt, facts, output, record } = require('./recorder');

const MIB = 1024 * 1024;
/** Even unconfined this must not hurt the machine. */
const MOST_MIB = 100;
const MOST_FILES = 20_000;

async function main() {
  const places = {
    '/tmp': '/tmp',
    '/dev/shm': '/dev/shm',
    '/dev/mqueue': '/dev/mqueue',
    'the volume': '/data',
    outputs: output,
  };
  const place = places[facts.place];
  if (facts.with === 'bytes') await attempt(`fill ${facts.place}`, () => fill(place));
  else if (facts.with === 'files') await attempt(`a million tiny files in ${facts.place}`, () => scatter(place));
  else await attempt(`a sparse file of 100 GB in ${facts.place}`, () => sparse(place));
}

/** Full pieces, so that no limit on the size of one file gets in the way. */
function fill(place) {
  let written = 0;
  try {
    for (; written < MOST_MIB; written += 1)
      fs.writeFileSync(path.join(place, `piece-${written}`), Buffer.alloc(MIB, 1));
  } catch (error) {
    record('written', { did: String(written) });
    throw error;
  }
  return `${written} MiB`;
}

function scatter(place) {
  let made = 0;
  try {
    for (; made < MOST_FILES; made += 1) fs.closeSync(fs.openSync(path.join(place, `tiny-${made}`), 'wx'));
  } catch (error) {
    record('written', { did: String(made) });
    throw error;
  }
  return `${made} files`;
}

function sparse(place) {
  // The signal would end the program before it can tell.
  process.on('SIGXFSZ', () => undefined);
  fs.writeFileSync(path.join(place, 'sparse'), '');
  fs.truncateSync(path.join(place, 'sparse'), 100e9);
}

void main();
