import { MedperfError } from '../contract';
import type { FailureFacts, FailureType } from '../contract';

const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EACCES',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);
const HOST_IS_SHORT =
  /resource temporarily unavailable|no space left|cannot allocate memory|too many open files|setting rlimit/i;
const IMAGE_REFUSED =
  /not found|manifest unknown|denied|unauthorized|no basic auth|no matching manifest|invalid reference|authentication required/i;

/** HTTP status of the daemon's answer; undefined when there was none. */
export function statusOf(error: unknown): number | undefined {
  const status = property(error, 'statusCode');
  return typeof status === 'number' ? status : undefined;
}

/** What the daemon said, in one line, without the host's paths named in `hide`. */
export function daemonWords(error: unknown, hide: readonly string[] = []): string {
  const json = property(error, 'json');
  const told = property(json, 'message') ?? property(error, 'message');
  let words = typeof told === 'string' ? told : String(error);
  for (const path of hide) words = words.replaceAll(path, '<scratch>');
  return words.replace(/\s+/g, ' ').trim().slice(0, 500);
}

/** The daemon did not answer, or answered that it cannot: nobody's fault but the place's, so it is tried again. */
export function engineUnavailable(doing: string, error: unknown, hide: readonly string[] = []): MedperfError {
  if (error instanceof MedperfError) return error;
  const code = property(error, 'code');
  const unreachable = statusOf(error) === undefined && typeof code === 'string' && UNREACHABLE.has(code);
  return failure('EngineUnavailable', error, {
    what: `Docker could not ${doing}.`,
    // The system's text for these names the socket's path.
    found: unreachable ? `no answer from the Docker daemon (${code})` : daemonWords(error, hide),
    next:
      code === 'EACCES'
        ? "Let the worker's user reach the Docker daemon; the step is tried again by itself."
        : 'Check that the Docker daemon runs on this host; the step is tried again by itself.',
  });
}

export function createFailure(error: unknown, hide: readonly string[]): MedperfError {
  const status = statusOf(error);
  if (status === 404) {
    return failure('InvalidRequest', error, {
      what: 'The container could not be created: its image is no longer on this host.',
      found: daemonWords(error, hide),
      next: 'Start the run again; the image is then obtained anew.',
    });
  }
  if (status === 400) {
    return failure('InvalidRequest', error, {
      what: 'Docker refused the options of the container.',
      found: daemonWords(error, hide),
      next: "Correct the cube's mounts or the limits that the operator's policy sets.",
    });
  }
  return engineUnavailable('create the container', error, hide);
}

/** A container that cannot start is the model's fault (no such program, no such user) unless the host is what is short. */
export function startFailure(error: unknown, hide: readonly string[]): MedperfError {
  const words = daemonWords(error, hide);
  if (words.includes('could not select device driver')) {
    return failure('EngineUnavailable', error, {
      what: "Docker could not give the container this host's GPUs.",
      found: words,
      next: 'Install the NVIDIA container toolkit on this host, or run the task elsewhere.',
    });
  }
  const status = statusOf(error);
  const modelsFault = status === 400 || (status === 500 && words.includes('OCI runtime') && !HOST_IS_SHORT.test(words));
  if (!modelsFault) return engineUnavailable('start the container', error, hide);
  return failure('ContainerFailed', error, {
    what: 'The container could not start.',
    found: words,
    next: "Check the image's entrypoint, user and working directory, and the command and mounts of the cube's task.",
  });
}

export function pullFailure(reference: string, error: unknown): MedperfError {
  if (error instanceof MedperfError) return error;
  const status = statusOf(error);
  const words = daemonWords(error);
  const refused = status === 401 || status === 403 || status === 404 || status === 400 || IMAGE_REFUSED.test(words);
  const code = property(error, 'code');
  if (!refused || typeof code === 'string') return engineUnavailable(`pull the image ${reference}`, error);
  return failure('IncompatibleModel', error, {
    what: `The image ${reference} cannot be pulled.`,
    expected: "an image that this host's Docker may pull",
    found: words,
    next: "Push the image, correct its name in the cube, or sign in to its registry as the worker's user (docker login).",
  });
}

function failure(type: FailureType, cause: unknown, facts: FailureFacts): MedperfError {
  return new MedperfError(type, facts, { cause });
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
