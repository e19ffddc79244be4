'use strict';

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { facts, record } = require('./recorder');

/** Even unconfined this must not hurt the machine. */
const MOST = 300;

async function main() {
  let started = 0;
  for (; started < MOST; started += 1) {
    // A pipe that nobody writes to keeps the program waiting.
    const child = spawn(`${__dirname}/system-call`, [facts.mark], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    child.unref();
    const refused = await once(child, 'spawn').then(
      () => null,
      (error) => error.code,
    );
    if (refused === null) continue;
    record('start processes without end', { refused, after: started });
    process.exit(0);
  }
  record('start processes without end', { did: `${started} processes` });
  process.exit(0);
}

void main();
