import {
  TOKEN_USERS,
  TUTORIAL_PASSWORD,
  TUTORIAL_USERS,
  exampleTutorial,
  openLocalIssuer,
  seedTutorial,
  startRegistry,
} from '../devstack/registry';
import type { DialectName, LocalIssuer, RegistryOptions, RunningRegistry, TutorialUser } from '../devstack/registry';
import type { Credentials, Profile, Profiles } from '../registry';
import { authorizationOf } from '../registry/credentials';

/** Who takes part in a benchmark, whatever the dialect calls them; in the order of the seeds' users. */
const PARTIES = ['administrator', 'benchmarkOwner', 'modelOwner', 'dataOwner'] as const;
export type Party = (typeof PARTIES)[number];

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed JSON, or the text. */
  readonly body: unknown;
}

/** A seeded server in its own way of signing in. */
export async function startWithParties(dialect: DialectName, options: Partial<RegistryOptions> = {}): Promise<Parties> {
  const issuer = dialect === 'E23' ? null : await openLocalIssuer();
  const server = await startRegistry({
    dialect,
    database: {},
    ...(issuer && { tokens: issuer.settings, administrators: ['testadmin'] }),
    ...options,
  });
  await seedTutorial(server, exampleTutorial(dialect));
  return new Parties(server, issuer);
}

/** Calls one seeded server as the tutorial's users, each signed in once. */
export class Parties {
  private readonly signedIn = new Map<Party, Promise<Credentials>>();

  /** @param issuer of the server's tokens; null where users sign in by password. */
  constructor(
    readonly server: RunningRegistry,
    private readonly issuer: LocalIssuer | null,
  ) {}

  /** As a client's session takes it. */
  authorization(party: Party): () => Promise<string> {
    return async () => authorizationOf(await this.credentials(party));
  }

  /** A profile of the party's name, as `login` leaves it. */
  async saveProfile(profiles: Profiles, party: Party): Promise<Profile> {
    const profile = { name: party, server: this.server.url, username: this.user(party).username };
    await profiles.save({ ...profile, credentials: await this.credentials(party) });
    return profile;
  }

  /** @param party null: nobody is signed in. */
  async call(party: Party | null, method: string, path: string, body?: unknown): Promise<Reply> {
    return this.raw(path, {
      method,
      headers: {
        ...(party !== null && { authorization: await this.authorization(party)() }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  }

  /** Creates, and answers the new row's id. @throws Error for anything but 201. */
  async make(party: Party, path: string, body: object): Promise<number> {
    const reply = await this.call(party, 'POST', path, body);
    if (reply.status !== 201) throw new Error(`${path}: ${reply.status} ${JSON.stringify(reply.body)}`);
    return (reply.body as { id: number }).id;
  }

  async raw(path: string, init: RequestInit): Promise<Reply> {
    const response = await fetch(`${this.server.url}/api/v0${path}`, { redirect: 'manual', ...init });
    const text = await response.text();
    const json = /json/.test(response.headers.get('content-type') ?? '');
    return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : text };
  }

  private user(party: Party): TutorialUser {
    return (this.issuer === null ? TUTORIAL_USERS : TOKEN_USERS)[PARTIES.indexOf(party)]!;
  }

  private credentials(party: Party): Promise<Credentials> {
    const known = this.signedIn.get(party);
    if (known !== undefined) return known;
    const credentials = this.signIn(this.user(party));
    this.signedIn.set(party, credentials);
    return credentials;
  }

  private async signIn(user: TutorialUser): Promise<Credentials> {
    if (this.issuer !== null) return { kind: 'local', token: await this.issuer.tokenFor(user) };
    const words = { username: user.username, password: TUTORIAL_PASSWORD };
    const { body } = await this.call(null, 'POST', '/auth-token/', words);
    return { kind: 'password', token: (body as { token: string }).token };
  }
}
