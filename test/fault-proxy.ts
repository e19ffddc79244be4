import { createServer, request } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** `double the request`: the server gets it twice, and the second answer is passed on. */
export type Fault =
  | 'drop the answer'
  | 'keep the answer back'
  | 'double the request'
  | 'answer 502'
  | 'answer 503 without work'
  | 'answer 503 and ask for an hour';

/** Stands before a server and spoils chosen answers; unless it says otherwise, after the server did the work. */
export class FaultProxy {
  private readonly faults: { readonly method: string; readonly path: string; readonly fault: Fault }[] = [];
  /** `METHOD path` of every request that came. */
  readonly seen: string[] = [];
  /** `METHOD path?query status` of every answer that the server gave, passed on or not. */
  readonly answered: string[] = [];
  private countdown: { left: number; readonly fault: Fault } | null = null;
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

  /** Spoils the request that comes after so many others. */
  spoilAfter(others: number, fault: Fault): void {
    this.countdown = { left: others, fault };
  }

  /** What was to be spoilt and has not come. */
  get unspoilt(): boolean {
    return this.faults.length > 0 || this.countdown !== null;
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
    const fault = this.faultFor(incoming.method ?? '', path);
    if (fault?.startsWith('answer 503')) {
      outgoing.writeHead(503, fault.endsWith('hour') ? { 'retry-after': '3600' } : { 'retry-after': '0' }).end();
      return;
    }
    if (fault === 'double the request') {
      void this.passTwice(incoming, outgoing);
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
        // Until whoever asked gives up.
        else if (fault !== 'keep the answer back') outgoing.writeHead(502).end('<html>Bad Gateway</html>');
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

  private faultFor(method: string, path: string): Fault | undefined {
    if (this.countdown !== null) {
      const { left, fault } = this.countdown;
      this.countdown = left === 0 ? null : { left: left - 1, fault };
      if (left === 0) return fault;
    }
    const index = this.faults.findIndex((wanted) => wanted.method === method && path.endsWith(wanted.path));
    return index < 0 ? undefined : this.faults.splice(index, 1)[0]?.fault;
  }

  private async passTwice(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const parts: Uint8Array[] = [];
    for await (const part of incoming) parts.push(part as Uint8Array);
    const { method = 'GET', headers, url = '' } = incoming;
    const send = (): Promise<IncomingMessage> =>
      new Promise((resolve, reject) => {
        request(`${this.target}${url}`, { method, headers }, resolve).on('error', reject).end(Buffer.concat(parts));
      });
    (await send()).resume();
    const answer = await send();
    outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
    answer.pipe(outgoing);
  }
}
