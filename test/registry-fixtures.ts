import { createHash } from 'node:crypto';
import { TUTORIAL_PASSWORD } from '../devstack/registry';
import type { CubeTutorial } from '../devstack/registry';

/** A hash as the registry knows them, different for every text. */
export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function cube(label: string): { manifestUrl: string; manifestHash: string; imageHash: string } {
  return {
    manifestUrl: `https://files.example/${label}/mlcube.yaml`,
    manifestHash: hashOf(label),
    imageHash: hashOf('image'),
  };
}

/** A tutorial whose files are nowhere: the registry never looks at them. */
export const TUTORIAL = {
  dataPreparator: cube('prep'),
  referenceModel: cube('cnn'),
  metrics: cube('metrics'),
  benchmark: {
    demoDatasetUrl: 'https://files.example/demo.tar.gz',
    demoDatasetHash: hashOf('demo'),
    demoDatasetGeneratedUid: hashOf('prepared'),
  },
} satisfies CubeTutorial;

/** The fields that a cube needs at least, in the server's own names. */
export function cubeFields(name: string, changes: object = {}): Record<string, unknown> {
  return {
    name,
    git_mlcube_url: 'https://h.example/mlcube.yaml',
    mlcube_hash: hashOf(name),
    parameters_hash: '',
    image_tarball_hash: '',
    image_hash: hashOf('image'),
    additional_files_tarball_hash: '',
    ...changes,
  };
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed JSON, or the text. */
  readonly body: unknown;
}

export type Person = 'admin' | 'testbenchmarkowner' | 'testmodelowner' | 'testdataowner';

/** Calls one server as several people, each signed in once. */
export class People {
  private readonly tokens = new Map<Person, Promise<string>>();

  constructor(private readonly url: string) {}

  token(person: Person): Promise<string> {
    const known = this.tokens.get(person);
    if (known !== undefined) return known;
    const body = { username: person, password: TUTORIAL_PASSWORD };
    const token = this.call(null, 'POST', '/auth-token/', body).then(
      (reply) => (reply.body as { token: string }).token,
    );
    this.tokens.set(person, token);
    return token;
  }

  /** As a client's session takes it. */
  authorization(person: Person): () => Promise<string> {
    return async () => `Token ${await this.token(person)}`;
  }

  async call(person: Person | null, method: string, path: string, body?: unknown): Promise<Reply> {
    const headers: Record<string, string> =
      person === null ? {} : { authorization: `Token ${await this.token(person)}` };
    if (body !== undefined) headers['content-type'] = 'application/json';
    return this.raw(path, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
  }

  async raw(path: string, init: RequestInit): Promise<Reply> {
    const response = await fetch(`${this.url}/api/v0${path}`, { redirect: 'manual', ...init });
    const text = await response.text();
    const json = /json/.test(response.headers.get('content-type') ?? '');
    return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : text };
  }
}
