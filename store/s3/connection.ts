import { S3Client } from '@aws-sdk/client-s3';

/** Parts in flight, listings and answers of several files at once. */
const SOCKETS = 32;
const CONNECT_MS = 10_000;
/** Between two bytes on a connection: a server may write a large object out before it answers. */
const SILENCE_MS = 120_000;
const ATTEMPTS = 4;
/** What servers at an address of their own take when nobody set another one. */
const USUAL_REGION = 'us-east-1';

/** A bucket of an S3-compatible server; who asks is known by the SDK's own chain of credentials. */
export interface BucketPlace {
  readonly bucket: string;
  /** `http(s)://HOST[:PORT]` of a server other than Amazon's. */
  readonly endpoint?: string;
  /** Where left out: what the SDK is set up with, and `us-east-1` at an endpoint. */
  readonly region?: string;
  /** What all keys begin with, without a slash at its end. */
  readonly prefix?: string;
}

/** A place and the client that reaches it. */
export interface Bucket {
  readonly client: S3Client;
  readonly place: BucketPlace;
}

/** One client and its connections; whoever made it calls `client.destroy()` when nothing is asked any more. */
export function connectBucket(place: BucketPlace): Bucket {
  const { endpoint, region } = place;
  const usualRegion = endpoint === undefined ? undefined : (process.env['AWS_REGION'] ?? USUAL_REGION);
  const asked = region ?? usualRegion;
  const agent = { keepAlive: true, maxSockets: SOCKETS };
  const client = new S3Client({
    ...(asked === undefined ? {} : { region: asked }),
    // The bucket's name before the server's would ask for a name record of each bucket.
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    // Contents are compared by their SHA-256; a CRC beside that would be computed in JavaScript.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // Asking before each part would take a new connection each time.
    expectContinueHeader: false,
    maxAttempts: ATTEMPTS,
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      socketTimeout: SILENCE_MS,
      httpAgent: agent,
      httpsAgent: agent,
    },
  });
  return { client, place };
}

/** The key of an object below the place's prefix. */
export function keyBelow({ prefix }: BucketPlace, ...parts: readonly string[]): string {
  const before = prefix?.replace(/^\/+|\/+$/g, '') ?? '';
  return [...(before === '' ? [] : [before]), ...parts].join('/');
}
