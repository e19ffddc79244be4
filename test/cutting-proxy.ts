import { connect, createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';

/** Stands before a server and cuts one connection after so many bytes of answers; the others pass whole. */
export class CuttingProxy {
  static async before(endpoint: string, cutAfterBytes: number): Promise<CuttingProxy> {
    const { hostname, port } = new URL(endpoint);
    let left = cutAfterBytes;
    const server = createServer((incoming) => {
      const onward = connect(Number(port), hostname);
      incoming.pipe(onward).on('error', () => incoming.destroy());
      incoming.on('error', () => onward.destroy()).on('close', () => onward.destroy());
      onward.on('close', () => incoming.destroy());
      onward.on('data', (chunk: Buffer) => {
        const isCut = left > 0 && left <= chunk.length;
        left -= chunk.length;
        if (isCut) incoming.destroy();
        else if (!incoming.write(chunk)) {
          onward.pause();
          incoming.once('drain', () => onward.resume());
        }
      });
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return new CuttingProxy(server);
  }

  readonly endpoint: string;

  private constructor(private readonly server: Server) {
    this.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.server.close();
  }
}
