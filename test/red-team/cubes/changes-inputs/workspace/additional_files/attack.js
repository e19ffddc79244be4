'use strict';

const fs = require('node:fs');
const { attempt, output } = require('./recorder');

const FILE = '/mlcube_io0/facts.json';
const FOLDER = '/mlcube_io0';

async function main() {
  await attempt('write', () => fs.writeFileSync(FILE, 'changed'));
  await attempt('append', () => fs.appendFileSync(FILE, 'changed'));
  await attempt('truncate', () => fs.truncateSync(FILE));
  await attempt('make it writable', () => fs.chmodSync(FILE, 0o666));
  await attempt('make the folder writable', () => fs.chmodSync(FOLDER, 0o777));
  await attempt('take it over', () => fs.chownSync(FILE, process.getuid(), process.getgid()));
  await attempt('change its time', () => fs.utimesSync(FILE, 0, 0));
  await attempt('remove', () => fs.unlinkSync(FILE));
  await attempt('rename', () => fs.renameSync(FILE, `${FOLDER}/renamed`));
  await attempt('add a file', () => fs.writeFileSync(`${FOLDER}/added`, ''));
  await attempt('replace', () => {
    fs.writeFileSync('/tmp/replacement', 'changed');
    fs.renameSync('/tmp/replacement', FILE);
  });
  await attempt('link into the outputs', () => fs.linkSync(FILE, `${output}/linked`));
  await attempt('link into /tmp', () => fs.linkSync(FILE, '/tmp/linked'));
  await attempt('open anew by its descriptor', () => {
    const file = fs.openSync(FILE);
    fs.writeFileSync(`/proc/self/fd/${file}`, 'changed');
  });
  await attempt('change the program', () => fs.writeFileSync(__filename, 'changed'));
  await attempt('change the image', () => fs.writeFileSync('/bin/node', 'changed'));
  await attempt('add to the image', () => fs.writeFileSync('/added', 'changed'));
  for (const file of ['/etc/hosts', '/etc/hostname', '/etc/resolv.conf'])
    await attempt(`change ${file}`, () => fs.appendFileSync(file, 'changed'));
}

void main();
