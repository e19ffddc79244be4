import { filesTarget } from './hosting-targets';
import type { HostingOptions } from './hosting-targets';
import { WrongUse } from './wrong-use';

const ENDPOINT = 'http://127.0.0.1:9000';

describe('filesTarget', () => {
  it('is none when nothing is said', () => {
    expect(filesTarget({})).toBeNull();
  });

  it('is a folder and its URL', () => {
    expect(filesTarget({ hostDirectory: '/srv', hostUrl: 'https://cubes.example.org' })).toEqual({
      kind: 'directory',
      directory: '/srv',
      baseUrl: 'https://cubes.example.org',
    });
  });

  it('is a bucket, read at its endpoint unless another URL is given', () => {
    const options = { hostS3Bucket: 'cubes', hostS3Endpoint: `${ENDPOINT}/`, hostS3Prefix: 'our/models' };
    const place = { bucket: 'cubes', endpoint: `${ENDPOINT}/`, prefix: 'our/models' };
    expect(filesTarget(options)).toEqual({ kind: 's3', place, baseUrl: `${ENDPOINT}/cubes` });
    const hostUrl = 'https://cubes.example.org';
    expect(filesTarget({ ...options, hostUrl })).toEqual({ kind: 's3', place, baseUrl: hostUrl });
    expect(filesTarget({ hostS3Bucket: 'cubes', hostS3Region: 'eu-north-1', hostUrl })).toEqual({
      kind: 's3',
      place: { bucket: 'cubes', region: 'eu-north-1' },
      baseUrl: hostUrl,
    });
  });

  it.each<HostingOptions>([
    { hostDirectory: '/srv' },
    { hostUrl: 'https://cubes.example.org' },
    { hostDirectory: '/srv', hostUrl: 'https://cubes.example.org', hostS3Bucket: 'cubes' },
    { hostDirectory: '/srv', hostUrl: 'https://cubes.example.org', hostS3Prefix: 'models' },
    { hostS3Endpoint: ENDPOINT },
    { hostS3Region: 'us-east-1' },
    { hostS3Bucket: 'cubes' },
    { hostS3Bucket: 'cubes', hostS3Endpoint: '127.0.0.1:9000' },
    { hostS3Bucket: 'cubes', hostS3Endpoint: 'http://user:secret@127.0.0.1' },
    { hostS3Bucket: 'cubes', hostS3Endpoint: ENDPOINT, hostUrl: 'ftp://cubes.example.org' },
    { hostS3Bucket: 'cubes', hostS3Endpoint: ENDPOINT, hostS3Prefix: '../up' },
    { hostS3Bucket: 'cubes', hostS3Endpoint: ENDPOINT, hostS3Prefix: '/models' },
    { hostS3Bucket: 'cubes', hostS3Endpoint: ENDPOINT, hostS3Prefix: 'a b' },
  ])('refuses %j as wrong use', (options) => {
    expect(() => filesTarget(options)).toThrow(WrongUse);
  });
});
