import { createHash, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Digest } from '../contract';

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
}

/** Answers a request in place of the registry when it returns true. */
export type Interference = (request: IncomingMessage, response: ServerResponse, url: URL) => boolean;

/**
 * An image registry in memory that keeps to the distribution specification where Debian's does not: it knows how far an
 * upload came, also when a piece of it broke off. It asks for tokens where `tokens` says who may have one.
 */
export class FakeImageRegistry {
  static async start(options: { readonly tokens?: Readonly<Record<string, string>> } = {}): Promise<FakeImageRegistry> {
    const registry = new FakeImageRegistry(options.tokens ?? null);
    await new Promise<void>((resolve) => registry.server.listen(0, '127.0.0.1', resolve));
    return registry;
  }

  readonly blobs = new Map<string, Buffer>();
  readonly manifests = new Map<string, { readonly type: string; readonly bytes: Buffer }>();
  readonly seen: SeenRequest[] = [];
  interfere: Interference = () => false;
  /** Forgets all tokens, as time does. */
  expireTokens = (): void => this.good.clear();
  tokenAnswers = 0;
  private readonly uploads = new Map<string, Buffer>();
  private readonly good = new Set<string>();
  private readonly server: Server;

  private constructor(private readonly tokens: Readonly<Record<string, string>> | null) {
    this.server = createServer((request, response) => {
      this.answer(request, response).catch(() => response.destroy());
    });
  }

  get host(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  get openUploads(): number {
    return this.uploads.size;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  put(name: string, value: unknown, type = 'application/vnd.oci.image.manifest.v1+json'): Digest {
    const bytes = Buffer.from(JSON.stringify(value));
    this.manifests.set(name, { type, bytes });
    this.manifests.set(digestOf(bytes), { type, bytes });
    return digestOf(bytes);
  }

  putBlob(bytes: Buffer | string): { digest: Digest; size: number; mediaType: string } {
    const content = Buffer.from(bytes);
    this.blobs.set(digestOf(content), content);
    return { digest: digestOf(content), size: content.length, mediaType: 'application/octet-stream' };
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', `http://${this.host}`);
    const { method = 'GET', headers } = request;
    this.seen.push({ method, path: url.pathname, authorization: headers.authorization });
    response.on('error', () => undefined);
    if (this.interfere(request, response, url)) return;
    if (url.pathname === '/token') return this.giveToken(request, response, url);
    const repository = /^\/v2\/(.+)\/(?:manifests|blobs)\//.exec(url.pathname)?.[1] ?? '';
    if (this.tokens !== null && !this.good.has(headers.authorization ?? '')) {
      const challenge = `Bearer realm="http://${this.host}/token",service="fake",scope="repository:${repository}:pull"`;
      end(response, 401, { 'www-authenticate': challenge });
      return;
    }
    const [, kind = '', name = ''] = /\/(manifests|blobs\/uploads|blobs)\/([^/]*)$/.exec(url.pathname) ?? [];
    if (kind === 'manifests') return this.manifest(request, response, name);
    if (kind === 'blobs') {
      this.blob(response, name);
      return;
    }
    return this.upload(request, response, url, repository, name);
  }

  private async giveToken(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const form = new URLSearchParams((await bodyOf(request)).toString());
    const [, pair = ''] = (request.headers.authorization ?? '').split(' ');
    const [user = '', password = ''] = Buffer.from(pair, 'base64').toString().split(':');
    const refresh = form.get('refresh_token');
    const may = refresh === null ? this.tokens?.[user] === password : this.tokens?.['refresh'] === refresh;
    if (!may) {
      end(response, 401);
      return;
    }
    const token = randomUUID();
    this.tokenAnswers += 1;
    this.good.add(`Bearer ${token}`);
    const scope = url.searchParams.get('scope') ?? form.get('scope');
    end(response, 200, {}, JSON.stringify({ token, expires_in: 300, scope }));
  }

  private async manifest(request: IncomingMessage, response: ServerResponse, name: string): Promise<void> {
    if (request.method === 'PUT') {
      const bytes = await bodyOf(request);
      const stored = { type: request.headers['content-type'] ?? '', bytes };
      this.manifests.set(name, stored);
      this.manifests.set(digestOf(bytes), stored);
      end(response, 201, { 'docker-content-digest': digestOf(bytes) });
      return;
    }
    const found = this.manifests.get(name);
    if (found === undefined) {
      end(response, 404);
      return;
    }
    end(response, 200, { 'content-type': found.type, 'docker-content-digest': digestOf(found.bytes) }, found.bytes);
  }

  private blob(response: ServerResponse, digest: string): void {
    const found = this.blobs.get(digest);
    if (found === undefined) end(response, 404);
    else end(response, 200, { 'content-length': String(found.length) }, found);
  }

  private async upload(
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
    repository: string,
    id: string,
  ): Promise<void> {
    if (request.method === 'POST') {
      const started = randomUUID();
      this.uploads.set(started, Buffer.alloc(0));
      end(response, 202, { location: `/v2/${repository}/blobs/uploads/${started}` });
      return;
    }
    const held = this.uploads.get(id);
    if (held === undefined) {
      end(response, 404);
      return;
    }
    const place = { location: url.pathname };
    if (request.method === 'DELETE') {
      this.uploads.delete(id);
      end(response, 204);
      return;
    }
    if (request.method === 'GET') {
      end(response, 204, { ...place, range: range(held) });
      return;
    }
    if (request.method === 'PATCH') {
      if (Number(request.headers['content-range']?.split('-')[0]) !== held.length) {
        end(response, 416);
        return;
      }
      request.on('data', (chunk: Buffer) => this.uploads.set(id, Buffer.concat([this.uploads.get(id)!, chunk])));
      await new Promise<void>((resolve, reject) => request.on('end', resolve).on('error', reject));
      end(response, 202, { ...place, range: range(this.uploads.get(id)!) });
      return;
    }
    const digest = digestOf(held);
    this.uploads.delete(id);
    if (digest !== url.searchParams.get('digest')) {
      end(response, 400);
      return;
    }
    this.blobs.set(digest, held);
    end(response, 201, { 'docker-content-digest': digest });
  }
}

function end(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>> = {},
  body: Buffer | string = '',
): void {
  response.writeHead(status, headers).end(body);
}

function range(bytes: Buffer): string {
  return `0-${Math.max(bytes.length - 1, 0)}`;
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function digestOf(bytes: Buffer): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
