'use strict';

const dgram = require('node:dgram');
const { Resolver } = require('node:dns/promises');
const net = require('node:net');
const os = require('node:os');
const { attempt, facts, record } = require('./recorder');

const PATIENCE_MS = 1500;
const DOCKER_SOCKETS = ['/var/run/docker.sock', '/run/docker.sock', '/run/containerd/containerd.sock'];

async function main() {
  record('interfaces it sees', { did: Object.keys(os.networkInterfaces()).join(' ') });
  await attempt('loopback', () => greet({ host: '127.0.0.1', port: facts.loopbackPort }));
  await attempt('IPv6 loopback', () => greet({ host: '::1', port: facts.loopbackPort }));
  await attempt("the bridge's address", () => greet({ host: facts.bridge, port: facts.bridgePort }));
  await attempt('an abstract socket of the host', () => greet({ path: `\0${facts.abstractName}` }));
  await attempt('a socket file of the host', () => greet({ path: facts.socketFile }));
  for (const path of DOCKER_SOCKETS) await attempt(`the Docker socket ${path}`, () => greet({ path }));
  await attempt('the Docker daemon by TCP', () => greet({ host: facts.bridge, port: 2375 }));
  await attempt('a datagram', () => sendDatagram());
  await attempt('resolve a name', () => {
    const resolver = new Resolver({ timeout: PATIENCE_MS, tries: 1 });
    resolver.setServers([`${facts.bridge}:${facts.datagramPort}`]);
    return resolver.resolve4(`${facts.abstractName}.invalid`);
  });
}

function greet(place) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(place);
    socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error('no answer in time')));
    socket.once('error', reject);
    socket.once('connect', () => socket.end('hello'));
    socket.once('close', (failed) => failed || resolve('connected'));
    socket.resume();
  });
}

function sendDatagram() {
  const socket = dgram.createSocket('udp4');
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.send('hello', facts.datagramPort, facts.bridge, (error) => (error ? reject(error) : resolve('sent')));
  }).finally(() => socket.close());
}

void main();
