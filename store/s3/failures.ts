import { MedperfError } from '../../contract';
import type { FailureType } from '../../contract';
import { errorCode } from '../failures';
import type { Bucket, BucketPlace } from './connection';

type Reading = readonly [type: FailureType, what: string, next: string];

const WHO: Reading = [
  'NeedsAttention',
  'does not accept the credentials of this process',
  'Give this process valid credentials as the AWS tools take them (environment, profile or role); then go on.',
];
const CLOCK: Reading = [
  'NeedsAttention',
  "refuses requests because this machine's clock is wrong",
  'Set the clock of this machine (NTP); then go on.',
];
const REGION: Reading = [
  'NeedsAttention',
  'is in another region, or at another endpoint, than the one asked',
  'Give the region and endpoint of the bucket.',
];
const DENIED: Reading = [
  'NeedsAttention',
  'does not let these credentials do this',
  'Allow them to list the bucket, to read, put and delete its objects, and to list and abort multipart uploads.',
];
const UNABLE: Reading = [
  'NeedsAttention',
  'cannot do what is needed of it',
  'Use a server that knows multipart uploads and If-None-Match.',
];
const FULL: Reading = [
  'StoreUnavailable',
  'has no space left',
  'Free some space there or raise the quota; the work goes on by itself.',
];
const AWAY: Reading = [
  'StoreUnavailable',
  'did not answer as it should',
  'Check that the server is up and reachable from this machine; the work goes on by itself.',
];
const REFUSED: Reading = [
  'NeedsAttention',
  'refuses the request',
  'Look up the code in the manual of the server; then go on.',
];
const NO_BUCKET: Reading = ['NeedsAttention', 'does not exist', 'Make the bucket, or correct its name; then go on.'];

const READINGS: Readonly<Record<string, Reading>> = {
  NoSuchBucket: NO_BUCKET,
  InvalidBucketName: NO_BUCKET,
  AccessDenied: DENIED,
  AllAccessDisabled: DENIED,
  Forbidden: DENIED,
  InvalidAccessKeyId: WHO,
  SignatureDoesNotMatch: WHO,
  ExpiredToken: WHO,
  ExpiredTokenException: WHO,
  TokenRefreshRequired: WHO,
  InvalidToken: WHO,
  InvalidClientTokenId: WHO,
  CredentialsProviderError: WHO,
  TokenProviderError: WHO,
  RequestTimeTooSkewed: CLOCK,
  RequestExpired: CLOCK,
  PermanentRedirect: REGION,
  TemporaryRedirect: REGION,
  IllegalLocationConstraintException: REGION,
  AuthorizationHeaderMalformed: REGION,
  NotImplemented: UNABLE,
  InsufficientStorage: FULL,
  QuotaExceeded: FULL,
  XMinioStorageFull: FULL,
  SlowDown: AWAY,
  Throttling: AWAY,
  ThrottlingException: AWAY,
  TooManyRequests: AWAY,
  RequestLimitExceeded: AWAY,
  RequestTimeout: AWAY,
  TimeoutError: AWAY,
  OperationAborted: AWAY,
  ConditionalRequestConflict: AWAY,
  BadDigest: AWAY,
  IncompleteBody: AWAY,
};

const OF_STATUS: Readonly<Record<number, Reading>> = {
  301: REGION,
  307: REGION,
  401: WHO,
  403: DENIED,
  408: AWAY,
  409: AWAY,
  429: AWAY,
  501: UNABLE,
  507: FULL,
};

/**
 * What an error of the SDK means for whoever reads it: `StoreUnavailable` for what passes by itself, `NeedsAttention` for
 * what a person sets right. The server's own sentences are left out: they may name keys. Every other error passes.
 */
export function s3Failure(error: unknown, { bucket }: Pick<BucketPlace, 'bucket'>): unknown {
  if (error instanceof MedperfError || !(error instanceof Error) || error.name === 'AbortError') return error;
  const status = s3Status(error);
  const reading = READINGS[error.name] ?? (status === null ? ofConnection(error) : ofStatus(status));
  if (reading === null) return error;
  const [type, what, next] = reading;
  const code = errorCode(error) ?? error.name;
  const found = status === null ? code : `status ${status} (${code})`;
  return new MedperfError(type, { what: `The bucket ${JSON.stringify(bucket)} ${what}.`, found, next });
}

/** Status of the answer that the SDK made an error of; null where there was no answer. */
export function s3Status(error: unknown): number | null {
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return null;
  const { $metadata: metadata } = error;
  if (typeof metadata !== 'object' || metadata === null || !('httpStatusCode' in metadata)) return null;
  return typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : null;
}

/** Does `work`; what the SDK throws in it becomes what {@link s3Failure} makes of it, or the signal's reason. */
export async function atBucket<T>(
  { place }: Pick<Bucket, 'place'>,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    signal?.throwIfAborted();
    throw s3Failure(error, place);
  }
}

function ofStatus(status: number): Reading {
  return OF_STATUS[status] ?? (status >= 500 ? AWAY : REFUSED);
}

/** Errors of sockets and name look-ups have a code in capitals. */
function ofConnection(error: Error): Reading | null {
  return /^(?:E[A-Z]{3,}|EAI_[A-Z]+|HPE_[A-Z_]+|CERT_\w+|UND_ERR_\w+)$/.test(errorCode(error) ?? '') ? AWAY : null;
}
