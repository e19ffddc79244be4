'use strict';
/**
 * Counts what the process that it is loaded into (`node --require`) changes in the file system, its threads' changes included,
 * and kills it at one of them: `KILL_AT_STEP="renameSync 12"` at the twelfth such call, before it, or with `KILL_WHEN=during`
 * when it has just begun. The product knows nothing of it.
 */
const fs = require('node:fs');
const promises = require('node:fs/promises');
const { getEnvironmentData, isMainThread, setEnvironmentData } = require('node:worker_threads');

const [fatal, number] = (process.env.KILL_AT_STEP ?? '').split(' ');
const SYNC = [
  'chmodSync',
  'copyFileSync',
  'fchmodSync',
  'linkSync',
  'mkdirSync',
  'openSync',
  'renameSync',
  'unlinkSync',
  'utimesSync',
  'writeSync',
];
const ASYNC = ['chmod', 'link', 'mkdir', 'rename', 'rm', 'unlink', 'utimes', 'writeFile'];
const OF_HANDLES = ['chmod', 'datasync', 'sync', 'truncate', 'write', 'writeFile', 'writev'];
const STEPS = [...SYNC, ...ASYNC, ...OF_HANDLES.map((method) => `handle.${method}`)];

if (isMainThread) setEnvironmentData('steps', new SharedArrayBuffer(4 * STEPS.length));
const counts = new Int32Array(getEnvironmentData('steps'));

/** How often each kind of step was done. */
globalThis.stepsDone = () => Object.fromEntries(STEPS.map((step, at) => [step, counts[at]]));

function spoil(object, method, step = method) {
  const original = object[method];
  const at = STEPS.indexOf(step);
  object[method] = function (...args) {
    const dies = Atomics.add(counts, at, 1) + 1 === Number(number) && step === fatal;
    if (dies && process.env.KILL_WHEN !== 'during') process.kill(process.pid, 'SIGKILL');
    const answer = original.apply(this, args);
    if (dies) process.kill(process.pid, 'SIGKILL');
    return answer;
  };
}

for (const method of SYNC) spoil(fs, method);
for (const method of ASYNC) spoil(promises, method);

const { open } = promises;
let handlesAreSpoilt = false;
promises.open = async (...args) => {
  const handle = await open(...args);
  if (!handlesAreSpoilt)
    for (const method of OF_HANDLES) spoil(Object.getPrototypeOf(handle), method, `handle.${method}`);
  handlesAreSpoilt = true;
  return handle;
};
