'use strict';

const fs = require('node:fs');
const { record } = require('./recorder');

const TRICKS = [
  'x'.repeat(100_000),
  '\u001b[2J\u001b[H\u001b[31mcleared the screen',
  '\u001b]0;another title\u0007',
  '\u001b]52;c;c3RvbGVu\u0007to the clipboard',
  '\u001b]8;;http://127.0.0.1/\u001b\\a link\u001b]8;;\u001b\\',
  '\u001bP+q544e\u001b\\asks the terminal',
  '\u009b31m\u009d52;c;c3RvbGVu\u009c C1 controls',
  '\u001b[6n\u001b[c\u0005 reports',
  'left \u202eright to left\u202c \u2066isolated\u2069 \u200bhidden \ufeffmark',
  'progress: 99999/1\rprogress: -1/0\rprogress: 1e400/NaN',
  'backspaces\b\b\b\b\b over',
  '\u0000nul \u007fdelete \u2028line \u2029paragraph',
  `${'\u0301'.repeat(50)} stacked`,
];

record('begin', { did: 'deceive' });
for (const trick of TRICKS) fs.writeSync(1, `${trick}\n`);
fs.writeSync(2, Buffer.from([0xff, 0xfe, 0xc0, 0x80, 0xed, 0xa0, 0x80, 0x0a]));
for (const trick of TRICKS.slice(1)) fs.writeSync(2, `${trick}\n`);
process.exitCode = 1;
