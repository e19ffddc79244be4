'use strict';
/**
 * Counts what the process that it is loaded into (`node --require`) changes in the file system, its threads' changes included,
 * and kills it at the one whose number is `KILL_AT_STEP`: before it, or with `KILL_WHEN=during` when it has just begun. The
 * product knows nothing of it.
 */
const fs = require('node:fs');
const promises = require('node:fs/promises');
const { getEnvironmentData, isMainThread, setEnvironmentData } = require('node:worker_threads');

const { KILL_AT_STEP, KILL_WHEN } = process.env;
const SYNC = [
  'chmodSync',
  'copyFileSync',
  'fchmodSync',
  'linkSync',
  'mkdirSync',
  'openSync',
  'renameSync',
  'unlinkSync',
];
const ASYNC = ['chmod', 'link', 'mkdir', 'rename', 'rm', 'unlink', 'utimes', 'writeFile'];
const OF_HANDLES = ['chmod', 'datasync', 'sync', 'truncate', 'write', 'writeFile', 'writev'];

if (isMainThread) setEnvironmentData('kill-at-step', new SharedArrayBuffer(4));
const steps = new Int32Array(getEnvironmentData('kill-at-step'));

function isTheOne() {
  return Atomics.add(steps, 0, 1) + 1 === Number(KILL_AT_STEP);
}

function spoil(object, method) {
  const original = object[method];
  object[method] = function (...args) {
    const dies = isTheOne();
    if (dies && KILL_WHEN !== 'during') process.kill(process.pid, 'SIGKILL');
    const answer = original.apply(this, args);
    if (dies) process.kill(process.pid, 'SIGKILL');
    return answer;
  };
}

for (const method of [...SYNC, 'writeSync', 'utimesSync']) spoil(fs, method);
for (const method of ASYNC) spoil(promises, method);

const { open } = promises;
let handlesAreSpoilt = false;
promises.open = async (...args) => {
  const handle = await open(...args);
  if (!handlesAreSpoilt) for (const method of OF_HANDLES) spoil(Object.getPrototypeOf(handle), method);
  handlesAreSpoilt = true;
  return handle;
};
