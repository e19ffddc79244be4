import { randomBytes } from 'node:crypto';
import * as dgram from 'node:dgram';
import { once } from 'node:events';
import * as net from 'node:net';
import type { AddressInfo } from 'node:net';
import * as path from 'node:path';
import type Docker from 'dockerode';
import { z } from 'zod';

/** Where an attacker may knock, and who did. */
export interface Listeners {
  readonly facts: {
    readonly bridge: string;
    readonly loopbackPort: number;
    readonly bridgePort: number;
    readonly datagramPort: number;
    readonly abstractName: string;
    readonly socketFile: string;
  };
  /** Names of the doors that were knocked at. */
  readonly heard: Set<string>;
  close(): Promise<void>;
}

const bridgeNetwork = z.object({
  IPAM: z.object({ Config: z.tuple([z.object({ Subnet: z.string(), Gateway: z.string().optional() })]) }),
});

/** A daemon that made its bridge itself gave it the first address, and tells so only from its next start on. */
async function bridgeAddress(docker: Docker): Promise<string> {
  const { IPAM } = bridgeNetwork.parse(await docker.getNetwork('bridge').inspect());
  const [{ Subnet, Gateway }] = IPAM.Config;
  return Gateway ?? Subnet.replace(/\d+\/\d+$/, '1');
}

/** Listens on loopback and on Docker's bridge, which an unconfined container reaches and nobody off this machine does. */
export async function listen(docker: Docker, folder: string): Promise<Listeners> {
  const heard = new Set<string>();
  const bridge = await bridgeAddress(docker);
  const abstractName = `medperf-red-team-${randomBytes(6).toString('hex')}`;
  const socketFile = path.join(folder, 'socket');
  const servers = await Promise.all([
    greeter('loopback', { host: '127.0.0.1', port: 0 }, heard),
    greeter('bridge', { host: bridge, port: 0 }, heard),
    greeter('abstract', { path: `\0${abstractName}` }, heard),
    greeter('socket file', { path: socketFile, readableAll: true, writableAll: true }, heard),
  ]);
  const names = await nameServer(bridge, heard);
  const [loopbackPort = 0, bridgePort = 0] = servers
    .slice(0, 2)
    .map((server) => (server.address() as AddressInfo).port);
  return {
    facts: { bridge, loopbackPort, bridgePort, datagramPort: names.address().port, abstractName, socketFile },
    heard,
    close: async () => {
      names.close();
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}

async function greeter(name: string, where: net.ListenOptions, heard: Set<string>): Promise<net.Server> {
  const server = net.createServer((socket) => {
    heard.add(name);
    socket.on('error', () => undefined);
    socket.resume();
    socket.end('hello');
  });
  server.listen(where);
  await once(server, 'listening');
  return server;
}

/** Answers every question of a name with 127.0.0.1. */
async function nameServer(address: string, heard: Set<string>): Promise<dgram.Socket> {
  const socket = dgram.createSocket('udp4');
  socket.on('message', (question, from) => {
    heard.add('datagram');
    if (question.length < HEADER_BYTES) return;
    const answer = Buffer.concat([question, Buffer.from('c00c00010001000000000004' + '7f000001', 'hex')]);
    answer.writeUInt16BE(0x8180, 2);
    answer.writeUInt16BE(1, 6);
    answer.writeUInt16BE(0, 10);
    socket.send(answer, from.port, from.address);
  });
  socket.bind(0, address);
  await once(socket, 'listening');
  return socket;
}

const HEADER_BYTES = 12;
