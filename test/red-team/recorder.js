'use strict';

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { getSystemErrorName } = require('node:util');

/** What the test tells the attacker, also what a real one would have to guess. */
exports.facts = JSON.parse(fs.readFileSync('/mlcube_io0/facts.json', 'utf8'));
exports.output = process.argv.find((word) => word.startsWith('--output_path=')).slice('--output_path='.length);

/** A line of the log for each attempt, written at once: what follows may be the end of the program. */
exports.record = function record(name, outcome) {
  fs.writeSync(1, `attempt ${JSON.stringify({ name, ...outcome })}\n`);
};

exports.attempt = async function attempt(name, action) {
  try {
    const value = await action();
    exports.record(name, { did: String(value ?? 'done').slice(0, 4000) });
  } catch (error) {
    exports.record(name, { refused: String(error.code ?? error.message).slice(0, 200) });
  }
};

const BUFFER = 0x401000n;
const MESSAGE_BYTES = 1024;

/** Any system call, through the program that comes with the cube; texts and buffers are handed over by address. */
exports.systemCall = function systemCall(number, ...values) {
  const message = Buffer.alloc(MESSAGE_BYTES);
  message.writeBigInt64LE(BigInt(number), 0);
  let free = 7 * 8;
  for (const [at, value] of values.entries()) {
    const place = (at + 1) * 8;
    if (typeof value === 'number') {
      message.writeBigInt64LE(BigInt(value), place);
      continue;
    }
    const bytes = typeof value === 'string' ? Buffer.from(`${value}\0`) : value;
    bytes.copy(message, free);
    message.writeBigInt64LE(BUFFER + BigInt(free), place);
    free += Math.ceil(bytes.length / 8) * 8;
  }
  const { stdout, error, signal } = spawnSync(path.join(__dirname, 'system-call'), { input: message });
  if (error) throw error;
  if (stdout.length !== 8) throw new Error(`the program ended with ${signal ?? 'no answer'}`);
  const answer = stdout.readBigInt64LE(0);
  if (answer < 0n) throw Object.assign(new Error('refused'), { code: getSystemErrorName(Number(answer)) });
  return answer;
};
