import { S3ServiceException } from '@aws-sdk/client-s3';
import { MedperfError } from '../../contract';
import { atBucket, s3Failure } from './failures';

const PLACE = { bucket: 'cubes' };
const SECRET = 'AKIA-OF-SOMEBODY';

/** What the SDK throws for an answer of the server. */
function answered(name: string, status: number): S3ServiceException {
  const message = `The key ${SECRET} is not known`;
  return new S3ServiceException({ name, $fault: 'client', message, $metadata: { httpStatusCode: status } });
}

describe('s3Failure', () => {
  it.each([
    ['NoSuchBucket', 404, 'does not exist'],
    ['AccessDenied', 403, 'does not let these credentials do this'],
    ['InvalidAccessKeyId', 403, 'does not accept the credentials'],
    ['SignatureDoesNotMatch', 403, 'does not accept the credentials'],
    ['ExpiredToken', 400, 'does not accept the credentials'],
    ['RequestTimeTooSkewed', 403, 'clock is wrong'],
    ['PermanentRedirect', 301, 'another region'],
    ['AuthorizationHeaderMalformed', 400, 'another region'],
    ['NotImplemented', 501, 'cannot do what is needed'],
    ['EntityTooLarge', 400, 'refuses the request'],
    // A HEAD has no body that could name a code.
    ['403', 403, 'does not let these credentials do this'],
    ['UnknownError', 301, 'another region'],
  ])('leaves %s (%i) to a person', (name, status, what) => {
    expect(s3Failure(answered(name, status), PLACE)).toMatchObject({
      type: 'NeedsAttention',
      facts: { what: expect.stringContaining(what) as string, found: `status ${status} (${name})` },
    });
  });

  it.each([
    ['SlowDown', 503, 'did not answer'],
    ['InternalError', 500, 'did not answer'],
    ['RequestTimeout', 400, 'did not answer'],
    ['UnknownError', 502, 'did not answer'],
    ['InsufficientStorage', 507, 'has no space left'],
    ['UnknownError', 507, 'has no space left'],
    ['QuotaExceeded', 403, 'has no space left'],
  ])('lets %s (%i) be tried again', (name, status, what) => {
    expect(s3Failure(answered(name, status), PLACE)).toMatchObject({
      type: 'StoreUnavailable',
      facts: { what: expect.stringContaining(what) as string },
    });
  });

  it.each(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'HPE_INVALID_CONSTANT'])(
    'lets a connection that fails with %s be tried again',
    (code) => {
      const error = Object.assign(new Error(`connect ${code} 10.0.0.1:443`), { code });
      expect(s3Failure(error, PLACE)).toMatchObject({ type: 'StoreUnavailable', facts: { found: code } });
    },
  );

  it('never quotes the server’s sentences', () => {
    for (const name of ['InvalidAccessKeyId', 'InternalError', 'Surprise'])
      expect(String(s3Failure(answered(name, 403), PLACE))).not.toContain(SECRET);
  });

  it('names missing credentials', () => {
    const error = Object.assign(new Error('Could not load credentials'), { name: 'CredentialsProviderError' });
    expect(s3Failure(error, PLACE)).toMatchObject({ type: 'NeedsAttention' });
  });

  it('leaves every other error as it is', () => {
    const abort = Object.assign(new Error('aborted'), { name: 'AbortError', code: 'ABORT_ERR' });
    const ours = new MedperfError('HashMismatch', { what: 'x', next: 'y' });
    for (const error of [abort, ours, new TypeError('a bug'), 'text']) expect(s3Failure(error, PLACE)).toBe(error);
  });
});

describe('atBucket', () => {
  it('gives the reason of an abort, not what the SDK makes of it', async () => {
    const reason = new Error('cancelled by somebody');
    const work = () => Promise.reject(Object.assign(new Error('aborted'), { name: 'AbortError' }));
    await expect(atBucket({ place: PLACE }, AbortSignal.abort(reason), work)).rejects.toBe(reason);
  });
});
