import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import type { SignInPlace } from '../registry';

const LINE = z.object({ url: z.string().optional(), granted: z.string().optional(), refused: z.string().optional() });

/** A real OAuth server with device flow, rotating refresh tokens and JWT access tokens, in a process of its own. */
export class OAuthServer {
  /** Kinds of grants that it gave, and errors that it refused with, in order. */
  readonly granted: string[] = [];
  readonly refused: string[] = [];

  static async start(audience: string, tokenSeconds: number): Promise<OAuthServer> {
    const script = join(__dirname, 'oauth-server-program.mjs');
    const child = spawn(process.execPath, ['--no-warnings', script, audience, String(tokenSeconds)], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const lines = createInterface({ input: child.stdout });
    const [first] = (await once(lines, 'line')) as [string];
    const { url } = LINE.parse(JSON.parse(first));
    if (url === undefined) throw new Error('the OAuth server said no address');
    return new OAuthServer(child, lines, url, audience);
  }

  private constructor(
    private readonly child: ChildProcess,
    lines: NodeJS.EventEmitter,
    readonly url: string,
    private readonly audience: string,
  ) {
    lines.on('line', (text: string) => {
      const line = /^\{/.test(text) ? LINE.parse(JSON.parse(text)) : {};
      if (line.granted !== undefined) this.granted.push(line.granted);
      if (line.refused !== undefined) this.refused.push(line.refused);
    });
  }

  get place(): SignInPlace {
    return { domain: this.url, clientId: 'medperf-client', audience: this.audience, issuer: this.url };
  }

  get jwkUrl(): string {
    return `${this.url}/.well-known/jwks.json`;
  }

  async close(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.kill();
    await ended;
  }
}

interface Page {
  readonly url: string;
  readonly html: string;
}

/** A browser that opens the page of the device flow; one is one person's. */
export class Browser {
  private readonly cookies = new Map<string, string>();

  constructor(private readonly name: string) {}

  /** Confirms the code, signs in where that is asked, and consents. */
  async confirm(page: string): Promise<void> {
    let shown = await this.submit(await this.askedToConfirm(page), { confirm: 'yes' });
    while (/<form/.test(shown.html)) {
      shown = await this.submit(shown, /name="login"/.test(shown.html) ? { login: this.name, password: 'x' } : {});
    }
    if (!/Sign-in Success/i.test(shown.html)) throw new Error(`the browser got stuck at ${shown.url}: ${shown.html}`);
  }

  async deny(page: string): Promise<void> {
    await this.submit(await this.askedToConfirm(page), { abort: 'yes' });
  }

  /** The first page sends itself on by a script. */
  private async askedToConfirm(page: string): Promise<Page> {
    return this.submit(await this.open(page), {});
  }

  private submit({ url, html }: Page, fields: Readonly<Record<string, string>>): Promise<Page> {
    const action = /<form[^>]*action="([^"]*)"/.exec(html)?.[1] ?? '';
    const form = new URLSearchParams();
    for (const [input] of html.matchAll(/<input[^>]*type="hidden"[^>]*>/g)) {
      form.set(/name="([^"]*)"/.exec(input)?.[1] ?? '', /value="([^"]*)"/.exec(input)?.[1] ?? '');
    }
    for (const [name, value] of Object.entries(fields)) form.set(name, value);
    return this.open(new URL(action, url).href, form);
  }

  private async open(url: string, form?: URLSearchParams): Promise<Page> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, {
      method: form === undefined ? 'GET' : 'POST',
      headers: { cookie, ...(form && { 'content-type': 'application/x-www-form-urlencoded' }) },
      redirect: 'manual',
      ...(form && { body: form.toString() }),
    });
    for (const text of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(text) ?? [];
      this.cookies.set(name, value);
    }
    const html = await response.text();
    const location = response.headers.get('location');
    return location === null ? { url, html } : this.open(new URL(location, url).href);
  }
}
