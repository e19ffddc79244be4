'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { attempt, facts, output, systemCall } = require('./recorder');

const AT_FDCWD = -100;
const [S_IFIFO, S_IFSOCK] = [0o010000, 0o140000];
const LEVELS = 10_000;
const own = (name) => path.join(output, name);
const raw = (bytes) => Buffer.concat([Buffer.from(`${output}/`), Buffer.from(bytes)]);
const node = (name, kind) => systemCall(259, AT_FDCWD, own(name), kind | 0o666, 0);

const VARIANTS = {
  'link to a host file': () => fs.symlinkSync('/etc/passwd', own('link')),
  'link to a secret': () => fs.symlinkSync(facts.secretFile, own('link')),
  "link to a neighbour's scratch": () => fs.symlinkSync('../../../', own('link')),
  'dangling link': () => fs.symlinkSync('/absent', own('link')),
  'link as a folder': () => {
    fs.mkdirSync(own('folder'));
    fs.symlinkSync('/proc/self/root', own('folder/deep'));
  },
  'link in a circle': () => fs.symlinkSync('link', own('link')),
  FIFO: () => node('pipe', S_IFIFO),
  socket: () => node('socket', S_IFSOCK),
  'progress file as a FIFO': () => node('.medperf-progress', S_IFIFO),
  'progress file as a link': () => fs.symlinkSync(facts.secretFile, own('.medperf-progress')),
  'hard links to one file': () => {
    fs.writeFileSync(own('one'), 'content');
    fs.linkSync(own('one'), own('other'));
  },
  'setuid file': () => {
    fs.writeFileSync(own('setuid'), '#!/bin/sh\n');
    fs.chmodSync(own('setuid'), 0o6777);
  },
  'file that nobody may read': () => fs.writeFileSync(own('locked'), 'content', { mode: 0 }),
  'folder that nobody may enter': () => {
    fs.mkdirSync(own('locked'));
    fs.writeFileSync(own('locked/file'), 'content');
    fs.chmodSync(own('locked'), 0);
  },
  'name with a newline': () => fs.writeFileSync(own('a\nb'), ''),
  'name with control sequences': () => {
    fs.writeFileSync(own('\u001b]52;c;c3RvbGVu\u0007\u001b[2J\u009b31m\u202egnp.exe'), '');
    fs.symlinkSync('/absent', own('\u001b[2J\u009b31m\u202egnp.link'));
  },
  'name that is not UTF-8': () => fs.writeFileSync(raw([0x66, 0xff, 0xfe]), ''),
  'name of dots': () => {
    fs.mkdirSync(own('...'));
    fs.writeFileSync(own('.../..\\..\\etc'), 'content');
  },
  'name of 255 bytes': () => fs.writeFileSync(own('n'.repeat(255)), 'content'),
  'name like the object prototype': () => fs.writeFileSync(own('__proto__'), 'content'),
  'ten thousand levels': () => {
    process.chdir(output);
    for (let level = 0; level < LEVELS; level += 1) {
      fs.mkdirSync('d');
      process.chdir('d');
    }
  },
  'many levels': () => fs.mkdirSync(own('d/'.repeat(1500)), { recursive: true }),
};

void attempt(facts.variant, VARIANTS[facts.variant]);
