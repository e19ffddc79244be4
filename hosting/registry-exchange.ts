/** What a token allows in a repository. */
export type Right = 'pull' | 'pull,push';

export interface RegistryRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  readonly repository: string;
  readonly right: Right;
  /** Path below the host, or a whole address that the registry gave. */
  readonly address: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly signal?: AbortSignal | undefined;
}

/** An answer that was read to its end. */
export interface RegistryAnswer {
  readonly status: number;
  /** Where the answer came from, after redirects; relative addresses in it count from here. */
  readonly url: URL;
  header(name: string): string | null;
  readonly body: Buffer;
}
