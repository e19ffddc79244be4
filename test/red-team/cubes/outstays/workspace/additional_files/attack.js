'use strict';

const { spawn } = require('node:child_process');
const { facts, record } = require('./recorder');

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGALRM'])
  process.on(signal, () => record(signal, { did: 'ignored' }));

if (facts.variant !== 'ignores signals') {
  spawn(process.execPath, ['-e', `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000);`, facts.mark], {
    detached: true,
    stdio: 'ignore',
  }).unref();
}
record('begin', { did: facts.variant });
if (facts.variant === 'stops itself') process.kill(process.pid, 'SIGSTOP');
if (facts.variant !== 'leaves a child behind') setInterval(() => undefined, 1000);
