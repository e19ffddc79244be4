import type { z } from 'zod';
import { MedperfError } from '../contract';

/** What the server said, whatever its status. */
export interface Answer {
  readonly status: number;
  /** Parsed JSON, or undefined when the answer is something else. */
  readonly body: unknown;
  /** Where a 3xx answer points. */
  readonly location: string | null;
  /** How a 401 wants to be asked: `Token` or `Bearer …`. */
  readonly challenge?: string | null;
}

/**
 * The answer's content.
 * @param what one sentence that says what failed, such as `Cube 4 could not be read.`
 * @param next what to do when the server refuses.
 * @throws MedperfError as `Registry` says, with the server's own words.
 */
export function accepted<T>(answer: Answer, schema: z.ZodType<T>, what: string, next = nextAfter(answer)): T {
  if (answer.status < 200 || answer.status > 299 || answer.body === undefined) throw refusalOf(answer, what, next);
  const parsed = schema.safeParse(answer.body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new MedperfError('RegistryRejected', {
    what: `${what} The registry's answer is not one that MedPerf's server gives.`,
    expected: 'a record of a MedPerf server of its generation',
    found: `${issue?.path.join('.') || 'the answer'}: ${issue?.message ?? 'unknown'}`,
    next: "Check that the profile's server address is a MedPerf server.",
  });
}

/** The failure that an answer means which does not say what was asked for. */
export function refusalOf(answer: Answer, what: string, next = nextAfter(answer)): MedperfError {
  const found = wordsOf(answer);
  if (answer.status === 429 || answer.status >= 500) return unavailable(`${what} The registry has a fault.`, found);
  if (answer.status === 401) {
    return new MedperfError('NeedsAttention', {
      what: `${what} The registry does not accept the credentials.`,
      found,
      next: 'Sign in again: temporal-medperf login',
    });
  }
  if (isSomebodyElses(answer)) return interposed(answer, what);
  return new MedperfError('RegistryRejected', { what, found, next });
}

/** MedPerf's server speaks JSON and sends nobody elsewhere: a proxy answers so, during maintenance for example. */
function isSomebodyElses({ status, body }: Answer): boolean {
  return body === undefined || (status >= 300 && status < 400);
}

function interposed({ status, body, location }: Answer, what: string): MedperfError {
  const there = location === null ? '' : ` to ${plainAddress(location)}`;
  return unavailable(
    `${what} Something else answered in the registry's place.`,
    `HTTP ${status}${there}${body === undefined ? ', no JSON' : ''}`,
    {
      next: "Check that the profile's server address is a MedPerf server, also by scheme and path; the step is tried again.",
    },
  );
}

/** An address without what may be secret in it. */
function plainAddress(address: string): string {
  return address.replace(/[?#].*$/s, '').replace(/\/\/[^/]*@/, '//');
}

const WHEN_UNREACHABLE = 'Check that the registry runs and can be reached from here; the step is tried again.';

export function unavailable(
  what: string,
  found: string,
  { next = WHEN_UNREACHABLE, cause }: { next?: string; cause?: unknown } = {},
): MedperfError {
  return new MedperfError('RegistryUnavailable', { what, found, next }, { cause });
}

function nextAfter({ status }: Answer): string {
  if (status === 403) return 'Sign in as the owner, or ask the owner to do it.';
  if (status === 404) return 'Check the uid.';
  return 'Correct what the registry names and send again.';
}

/** Longest text of a server's that goes into a message, in characters. */
const LONGEST = 600;

/** The server's own words, field by field; `container.name: …` for nested ones. */
export function wordsOf({ status, body }: Answer): string {
  const words = [...sentences(body, '')].join('; ').replace(/\.$/, '');
  const text = words === '' ? `HTTP ${status}` : `HTTP ${status}: ${words}`;
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

function* sentences(body: unknown, field: string): Iterable<string> {
  if (Array.isArray(body)) {
    for (const item of body) yield* sentences(item, field);
  } else if (typeof body === 'object' && body !== null) {
    for (const [name, value] of Object.entries(body)) {
      const own = ['detail', 'error', 'non_field_errors'].includes(name);
      yield* sentences(value, own ? field : [field, name].filter(Boolean).join('.'));
    }
  } else if (body !== null && body !== undefined) {
    const words = typeof body === 'string' ? body : JSON.stringify(body);
    yield field === '' ? words : `${field}: ${words}`;
  }
}
