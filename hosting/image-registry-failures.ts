import { MedperfError } from '../contract';
import type { FailureFacts, FailureType } from '../contract';

const TYPES = {
  /** The registry has no such image, or not for this architecture. */
  'not-found': 'InvalidRequest',
  /** It wants a sign-in, or this one may not. */
  unauthorised: 'NeedsAttention',
  'rate-limited': 'StoreUnavailable',
  unreachable: 'StoreUnavailable',
  /** It gives bytes that are not those of the digest. */
  'wrong-content': 'HashMismatch',
  /** What it answers, or what it was asked for, cannot be used; asking again changes nothing. */
  unusable: 'InvalidRequest',
} as const satisfies Record<string, FailureType>;

export type ImageRegistryProblem = keyof typeof TYPES;

/** What an image registry did not do; `problem` says why, `type` whose it is. */
export class ImageRegistryFailure extends MedperfError {
  constructor(
    readonly problem: ImageRegistryProblem,
    facts: FailureFacts,
    options?: { cause?: unknown },
  ) {
    super(TYPES[problem], facts, options);
  }
}

export function notFound(image: string, found = 'no image of that name'): ImageRegistryFailure {
  return new ImageRegistryFailure('not-found', {
    what: `The image ${image} is not in its registry.`,
    found,
    next: 'Push the image, or correct its name in the manifest.',
  });
}

export function unauthorised(host: string, doing: string, signedIn: boolean, found: string): ImageRegistryFailure {
  return new ImageRegistryFailure('unauthorised', {
    what: `The image registry ${host} does not let ${signedIn ? 'this user' : 'somebody without a sign-in'} ${doing}.`,
    found,
    next: signedIn
      ? `Check the name of the image and what the user may do at ${host}, or sign in as another one (docker login ${host}).`
      : `Check the name of the image, or sign in: docker login ${host}.`,
  });
}

export function rateLimited(host: string, retryAfter: string | null): ImageRegistryFailure {
  return new ImageRegistryFailure('rate-limited', {
    what: `The image registry ${host} takes no more requests for now.`,
    found: retryAfter === null ? 'status 429' : `status 429, come back after ${retryAfter}`,
    next: 'Wait, or sign in: registries let signed-in users ask more often.',
  });
}

export function unreachable(host: string, found: string, cause?: unknown): ImageRegistryFailure {
  return new ImageRegistryFailure(
    'unreachable',
    {
      what: `The image registry ${host} did not answer as it should.`,
      found,
      next: 'Check that the registry is up and reachable from this machine; then try again.',
    },
    { cause },
  );
}

export function unusable(what: string, found: string, next: string, expected?: string): ImageRegistryFailure {
  return new ImageRegistryFailure('unusable', { what, found, next, ...(expected === undefined ? {} : { expected }) });
}

export function wrongContent(what: string, expected: string, found: string): ImageRegistryFailure {
  return new ImageRegistryFailure('wrong-content', {
    what,
    expected,
    found,
    next: 'Try again; if it stays so, the registry or something on the way to it changes what it stores.',
  });
}
