import type { Caller } from './resource';

/** One request, after its sender is known. */
export interface Call extends Caller {
  /** Numbers in the path, by name. */
  readonly ids: Readonly<Record<string, number>>;
  readonly address: Address;
  /** @throws Refusal 400 or 415 when the body is not JSON. */
  body(): unknown;
}

/** The address as the client wrote it; links to other pages are built from it. */
export interface Address {
  readonly host: string;
  readonly path: string;
  readonly query: URLSearchParams;
}

export interface Answer {
  readonly status: number;
  readonly body?: unknown;
}

export function ok(body: unknown): Answer {
  return { status: 200, body };
}

export function created(body: unknown): Answer {
  return { status: 201, body };
}

export const NO_CONTENT: Answer = { status: 204 };
