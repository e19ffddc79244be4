import {
  TOKEN_USERS,
  TUTORIAL_PASSWORD,
  TUTORIAL_USERS,
  exampleTutorial,
  openLocalIssuer,
  seedTutorial,
  startRegistry,
} from '../devstack/registry';
import type { DialectName, RegistryOptions, RunningRegistry } from '../devstack/registry';

/** Who takes part in a benchmark, whatever the dialect calls them. */
export type Party = 'administrator' | 'benchmarkOwner' | 'modelOwner' | 'dataOwner';

export interface PartyReply {
  readonly status: number;
  readonly body: unknown;
}

export interface Parties {
  readonly server: RunningRegistry;
  /** How a party signs its requests. */
  authorization(party: Party): () => Promise<string>;
  call(party: Party, method: string, path: string, body?: unknown): Promise<PartyReply>;
  /** Creates, and answers the new row's id. @throws Error for anything but 201. */
  make(party: Party, path: string, body: object): Promise<number>;
}

const ORDER: readonly Party[] = ['administrator', 'benchmarkOwner', 'modelOwner', 'dataOwner'];

/** A seeded server in its own way of signing in, and its parties signed in. */
export async function startWithParties(dialect: DialectName, options: Partial<RegistryOptions> = {}): Promise<Parties> {
  const issuer = dialect === 'E23' ? null : await openLocalIssuer();
  const administrators = issuer === null ? [] : ['testadmin'];
  const server = await startRegistry({
    dialect,
    database: {},
    administrators,
    ...(issuer && { tokens: issuer.settings }),
    ...options,
  });
  await seedTutorial(server, exampleTutorial(dialect));
  const headers = new Map<Party, string>();
  for (const [index, party] of ORDER.entries()) {
    const header =
      issuer === null
        ? `Token ${await passwordToken(server.url, TUTORIAL_USERS[index]!.username)}`
        : `Bearer ${await issuer.tokenFor(TOKEN_USERS[index]!)}`;
    headers.set(party, header);
  }
  const call: Parties['call'] = async (party, method, path, body) => {
    const response = await fetch(`${server.url}/api/v0${path}`, {
      method,
      headers: { authorization: headers.get(party)!, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const json = /json/.test(response.headers.get('content-type') ?? '');
    return { status: response.status, body: json ? JSON.parse(text) : text };
  };
  return {
    server,
    authorization: (party) => () => Promise.resolve(headers.get(party)!),
    call,
    make: async (party, path, body) => {
      const reply = await call(party, 'POST', path, body);
      if (reply.status !== 201) throw new Error(`${path}: ${reply.status} ${JSON.stringify(reply.body)}`);
      return (reply.body as { id: number }).id;
    },
  };
}

async function passwordToken(url: string, username: string): Promise<string> {
  const response = await fetch(`${url}/api/v0/auth-token/`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username, password: TUTORIAL_PASSWORD }),
  });
  return ((await response.json()) as { token: string }).token;
}
