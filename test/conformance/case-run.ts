import { randomBytes } from 'node:crypto';
import { request } from 'undici';
import type { Dispatcher } from 'undici';
import { differences } from './answer-match';
import type { CaseFile, ConformanceCase, Exchange, SetUp } from './case-format';
import { fill } from './placeholders';

export interface Conformance {
  /** Scheme, host and port, without the API's base path. */
  readonly server: string;
  /** Values of the Authorization header by role. */
  readonly roles: Readonly<Record<string, string>>;
  readonly cases: CaseFile;
  /** Id of the authority that certificates are made under (HEAD); the server's own migrations make the first. */
  readonly authority?: number;
  readonly dispatcher?: Dispatcher;
}

const BASE_PATH = '/api/v0';
/** Roles whose header the server accepts: their accounts are known by name, as `{stranger_id}`. */
const ACCOUNTS = ['admin', 'benchmark_owner', 'model_owner', 'data_owner', 'stranger'];

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Dispatcher.ResponseData['headers'];
}

/** Runs cases against one server, one after the other: all share the accounts of the roles. */
export class CaseRunner {
  private readonly run = randomBytes(3).toString('hex');
  private made = 0;
  private accounts: Record<string, unknown> | undefined;

  constructor(private readonly conformance: Conformance) {}

  /** The roles a case needs and the roles file lacks: on a server whose keys are not at hand some cannot be had. */
  missingRoles(one: ConformanceCase): string[] {
    const needed = this.chain(one).flatMap(({ exchanges }) => exchanges.map(({ as }) => as));
    return [...new Set(needed)].filter((role) => role !== 'anonymous' && !(role in this.conformance.roles));
  }

  /** @returns every difference between the case and the server, one line each. */
  async differencesIn(one: ConformanceCase): Promise<string[]> {
    const known = { ...(await this.knownAccounts()) };
    const chain = this.chain(one);
    try {
      for (const { exchanges } of chain) {
        for (const exchange of exchanges.flatMap((one) => Array.from({ length: one.times }, () => one))) {
          const problems = await this.exchanged(exchange, known);
          if (problems.length > 0) return problems;
        }
      }
      return [];
    } finally {
      for (const exchange of chain.flatMap(({ afterwards }) => afterwards).reverse()) {
        await this.send(this.resolved(exchange, known));
      }
    }
  }

  /** The set-ups of a case, each once, what it builds on first; the case itself last. */
  private chain(one: SetUp): SetUp[] {
    const chain: SetUp[] = [];
    const add = (setUp: SetUp): void => {
      for (const name of setUp.uses) {
        const used = this.conformance.cases.setups[name];
        if (used === undefined) throw new Error(`There is no set-up "${name}" among the cases.`);
        if (!chain.includes(used)) add(used);
      }
      chain.push(setUp);
    };
    add(one);
    return chain;
  }

  private async exchanged(exchange: Exchange, known: Record<string, unknown>): Promise<string[]> {
    const resolved = this.resolved(exchange, known);
    const answer = await this.send(resolved);
    for (const [name, path] of Object.entries(exchange.remember)) known[name] = valueAt(answer.body, path);
    const { refuses, status = refuses === undefined ? undefined : 400, headers = {} } = resolved;
    const expected =
      refuses === undefined
        ? (resolved.answer ?? this.conformance.cases.answers[String(status)])
        : { $exact: true, ...Object.fromEntries(Object.entries(refuses).map(([field, like]) => [field, [like]])) };
    const problems = [
      ...(status === undefined || status === answer.status
        ? []
        : [`status: expected ${status}, found ${answer.status} ${JSON.stringify(answer.body).slice(0, 300)}`]),
      ...(expected === undefined ? [] : differences(expected, answer.body)),
      ...Object.entries(headers).flatMap(([name, value]) => differences(value, answer.headers[name], `header ${name}`)),
    ];
    return problems.map((problem) => `${resolved.request} as ${resolved.as}: ${problem}`);
  }

  private resolved(exchange: Exchange, known: Record<string, unknown>): Exchange {
    const filled = fill(exchange, (name) => this.valueOf(name, known)) as Exchange;
    return filled.body === undefined ? filled : { ...filled, body: this.body(filled.body, known) };
  }

  /** `$like` takes a named body, `$without` leaves keys out of it; at any depth. */
  private body(body: unknown, known: Record<string, unknown>): unknown {
    if (Array.isArray(body)) return body.map((item) => this.body(item, known));
    if (body === null || typeof body !== 'object') return body;
    const { $like: like, $without: without = [], ...given } = body as Record<string, unknown>;
    const own = Object.fromEntries(Object.entries(given).map(([key, value]) => [key, this.body(value, known)]));
    if (typeof like !== 'string') return own;
    const base = this.conformance.cases.bodies[like];
    if (base === undefined) throw new Error(`There is no body "${like}" among the cases.`);
    const filled = this.body(
      fill(base, (name) => this.valueOf(name, known)),
      known,
    ) as Record<string, unknown>;
    const left = Array.isArray(without) ? without : [without];
    return Object.fromEntries(Object.entries({ ...filled, ...own }).filter(([key]) => !left.includes(key)));
  }

  private valueOf(name: string, known: Record<string, unknown>): { value: unknown } | undefined {
    if (name in known) return { value: known[name] };
    const length = Number(/_(\d+)$/.exec(name)?.[1]);
    if (name === 'new_name') return { value: this.newName() };
    if (name === 'new_hash') return { value: randomBytes(32).toString('hex') };
    if (name.startsWith('name_')) return { value: this.newName().padEnd(length, 'x') };
    return name.startsWith('text_') ? { value: 'x'.repeat(length) } : undefined;
  }

  private newName(): string {
    return `c${this.run}${(this.made += 1).toString(36)}`;
  }

  private async knownAccounts(): Promise<Record<string, unknown>> {
    if (this.accounts !== undefined) return this.accounts;
    const { server, authority = 1 } = this.conformance;
    const accounts: Record<string, unknown> = { host: new URL(server).host, authority_id: authority };
    for (const role of ACCOUNTS) {
      const { status, body } = await this.send(plain(role, 'GET /me/'));
      if (status !== 200)
        throw new Error(`GET /me/ as ${role} was answered ${status}: is its header in the roles file?`);
      for (const field of ['id', 'username', 'email']) accounts[`${role}_${field}`] = valueAt(body, field);
    }
    return (this.accounts = accounts);
  }

  private async send(exchange: Exchange): Promise<Answer> {
    const [method = 'GET', path = ''] = exchange.request.split(' ', 2);
    const authorization = exchange.authorization ?? this.conformance.roles[exchange.as];
    const body = exchange.raw ?? (exchange.body === undefined ? undefined : JSON.stringify(exchange.body));
    const url = `${this.conformance.server}${path.startsWith('//') ? path.slice(1) : `${BASE_PATH}${path}`}`;
    const response = await request(url, {
      method: method,
      headers: {
        ...exchange.sends,
        ...(authorization !== undefined && { authorization }),
        ...(body !== undefined && { 'content-type': exchange.type ?? 'application/json' }),
      },
      ...(body !== undefined && { body }),
      ...(this.conformance.dispatcher && { dispatcher: this.conformance.dispatcher }),
    });
    const text = await response.body.text();
    return { status: response.statusCode, headers: response.headers, body: parsed(text) };
  }
}

function plain(as: string, line: string): Exchange {
  return { as, request: line, sends: {}, times: 1, remember: {} };
}

/** The answer as JSON, or its text: not all answers of a server are JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function valueAt(body: unknown, path: string): unknown {
  const steps = path === '' ? [] : path.split('.');
  return steps.reduce<unknown>(
    (value, step) =>
      value === null || typeof value !== 'object' ? undefined : (value as Record<string, unknown>)[step],
    body,
  );
}
