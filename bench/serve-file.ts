import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream';

/** `node serve-file.js FILE`: serves one file on loopback, prints its URL, and ends with its standard input. */
async function main(path: string): Promise<void> {
  const { size } = await stat(path);
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-length': size, 'content-type': 'application/octet-stream', etag: '"1"' });
    pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), response, () => undefined);
  });
  server.listen(0, '127.0.0.1', () =>
    process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}/file\n`),
  );
  process.stdin.resume().on('end', () => process.exit());
}

main(process.argv[2] ?? '').catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
});
