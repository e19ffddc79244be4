import { createServer, request } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Fault = 'drop the answer' | 'answer 502' | 'answer 503 without work' | 'answer 503 and ask for an hour';

/** Stands before a server and spoils chosen answers; unless it says otherwise, after the server did the work. */
export class FaultProxy {
  private readonly faults: { readonly method: string; readonly path: string; readonly fault: Fault }[] = [];
  /** `METHOD path` of every request that came. */
  readonly seen: string[] = [];
  /** `METHOD path?query status` of every answer that the server gave, passed on or not. */
  readonly answered: string[] = [];
  /** Told each of these as it comes. */
  onAnswered: (line: string) => void = () => undefined;
  /** Requests that have no end yet. */
  open = 0;

  private constructor(
    private readonly target: string,
    private readonly server = createServer((incoming, outgoing) => this.pass(incoming, outgoing)),
  ) {}

  static async before(target: string): Promise<FaultProxy> {
    const proxy = new FaultProxy(target);
    await new Promise<void>((done) => proxy.server.listen(0, '127.0.0.1', done));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Spoils the next request of that method whose path ends so. */
  spoil(method: string, path: string, fault: Fault): void {
    this.faults.push({ method, path, fault });
  }

  async close(): Promise<void> {
    await new Promise((done) => {
      this.server.close(done);
      this.server.closeAllConnections();
    });
  }

  private pass(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const path = incoming.url?.split('?')[0] ?? '';
    this.seen.push(`${incoming.method ?? ''} ${path}`);
    const index = this.faults.findIndex(({ method, path: end }) => method === incoming.method && path.endsWith(end));
    const fault = index < 0 ? undefined : this.faults.splice(index, 1)[0]?.fault;
    if (fault?.startsWith('answer 503')) {
      outgoing.writeHead(503, fault.endsWith('hour') ? { 'retry-after': '3600' } : { 'retry-after': '0' }).end();
      return;
    }
    const { method, headers } = incoming;
    this.open += 1;
    const onward = request(`${this.target}${incoming.url ?? ''}`, { ...(method && { method }), headers }, (answer) => {
      const line = `${method ?? ''} ${incoming.url ?? ''} ${answer.statusCode ?? 0}`;
      this.answered.push(line);
      this.onAnswered(line);
      if (fault === undefined) {
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(outgoing);
        return;
      }
      answer.resume().on('end', () => {
        if (fault === 'drop the answer') outgoing.destroy();
        else outgoing.writeHead(502).end('<html>Bad Gateway</html>');
      });
    });
    // Whoever is gone on one side is gone on the other.
    onward.on('error', () => outgoing.destroy());
    outgoing.on('close', () => {
      this.open -= 1;
      if (!outgoing.writableFinished) onward.destroy();
    });
    incoming.pipe(onward);
  }
}
