import { realpath, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import send from '@fastify/send';

export interface FileHostOptions {
  readonly directory: string;
  /** Absent or 0: a free one. */
  readonly port?: number;
}

export interface FileHost {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  close(): Promise<void>;
}

/** A `.tar.gz` is a file in itself: told as a content encoding, clients would unpack it and miss its hash. */
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.gz': 'application/gzip',
  '.yaml': 'text/yaml; charset=utf-8',
  '.json': 'application/json',
};

/**
 * Publishes the files below a directory on the loopback address, to GET and HEAD, whole and in ranges, without listing folders.
 * @throws Error when the port is taken.
 */
export async function startFileHost({ directory, port = 0 }: FileHostOptions): Promise<FileHost> {
  const root = await realpath(directory);
  const server = createServer((request, response) => {
    answer(root, request, response).catch(() => response.destroy());
  });
  await listen(server, port);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => close(server),
  };
}

async function answer(root: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD' }).end();
    return;
  }
  const file = await findFile(root, request.url ?? '/');
  if (file === null) {
    response.writeHead(404).end();
    return;
  }
  const { statusCode, headers, stream } = await send(request, encodeURI(file.slice(root.length)), {
    root,
    contentType: false,
    dotfiles: 'allow',
  });
  response.writeHead(statusCode, {
    ...headers,
    'content-type': CONTENT_TYPES[extname(file)] ?? 'application/octet-stream',
    'x-content-type-options': 'nosniff',
  });
  await pipeline(stream, response);
}

/** The file that a URL names, links resolved, or null when it is none or outside the directory. */
async function findFile(root: string, address: string): Promise<string | null> {
  try {
    const wanted = decodeURIComponent(address.split('?', 1)[0] ?? '');
    const path = await realpath(join(root, wanted));
    if (!path.startsWith(`${root}${sep}`)) return null;
    return (await stat(path)).isFile() ? path : null;
  } catch {
    return null;
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve);
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
