import { judgeLink } from './link-rules';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const codes = (url: string): string[] => judgeLink(url).map(({ severity, code }) => `${severity} ${code}`);

describe('a link', () => {
  it.each([
    'https://files.example.org/cubes/mlcube.yaml',
    'direct:https://files.example.org/cubes/mlcube.yaml?version=3',
    `https://raw.githubusercontent.com/o/r/${COMMIT}/mlcube.yaml`,
    `https://github.com/o/r/raw/${COMMIT}/mlcube.yaml`,
    'https://github.com/o/r/releases/download/v1.0/additional_files.tar.gz',
    `https://huggingface.co/o/r/resolve/${COMMIT}/weights.tar.gz`,
    'https://zenodo.org/records/123/files/weights.tar.gz',
    'https://storage.googleapis.com/bucket/mlcube.yaml',
    'https://bucket.s3.eu-central-1.amazonaws.com/mlcube.yaml?versionId=abc',
    'https://www.dropbox.com/s/abc/mlcube.yaml?dl=1',
    `https://gitlab.example.org/group/project/-/raw/${COMMIT}/mlcube.yaml`,
    'https://8.8.8.8/mlcube.yaml',
  ])('%s lasts', (url) => {
    expect(codes(url)).toEqual([]);
  });

  it.each([
    ['https://b.s3.amazonaws.com/k?X-Amz-Date=20260101T000000Z&X-Amz-Expires=60&X-Amz-Signature=a', 'expiring'],
    ['https://storage.googleapis.com/b/k?X-Goog-Expires=60&X-Goog-Signature=a', 'expiring'],
    ['https://b.s3.amazonaws.com/k?AWSAccessKeyId=A&Expires=1&Signature=a', 'expiring'],
    ['https://a.blob.core.windows.net/c/k?sv=2022&se=2026-01-01&sig=a', 'expiring'],
    ['https://d111.cloudfront.net/k?Policy=p&Signature=s&Key-Pair-Id=i', 'expiring'],
    ['https://we.tl/t-abc', 'expiring'],
    ['https://raw.githubusercontent.com/o/r/main/mlcube.yaml', 'mutable'],
    ['https://raw.githubusercontent.com/o/r/refs/heads/main/mlcube.yaml', 'mutable'],
    ['https://github.com/o/r/raw/v1.0/mlcube.yaml', 'mutable'],
    [`https://github.com/o/r/archive/${COMMIT}.tar.gz`, 'mutable'],
    ['https://github.com/o/r/releases/latest/download/weights.tar.gz', 'mutable'],
    ['https://huggingface.co/o/r/resolve/main/weights.tar.gz', 'mutable'],
    ['https://gitlab.com/group/project/-/raw/main/mlcube.yaml', 'mutable'],
    ['https://files.example.org/latest/mlcube.yaml', 'mutable'],
    ['https://github.com/o/r/blob/main/mlcube.yaml', 'page'],
    [`https://huggingface.co/o/r/blob/${COMMIT}/weights.tar.gz`, 'page'],
    ['https://gitlab.com/group/project/-/blob/main/mlcube.yaml', 'page'],
    ['https://drive.google.com/uc?export=download&id=abc', 'page'],
    ['https://www.dropbox.com/s/abc/mlcube.yaml?dl=0', 'page'],
    ['https://example.sharepoint.com/:u:/s/x', 'page'],
  ])('%s does not: %s', (url, code) => {
    expect(codes(url)).toEqual([`error ${code}`]);
  });

  it.each([
    ['http://files.example.org/mlcube.yaml', 'plain-http'],
    ['http://127.0.0.1:8080/mlcube.yaml', 'private-host'],
    ['https://[::1]/mlcube.yaml', 'private-host'],
    ['https://files.hospital.internal/mlcube.yaml', 'private-host'],
    ['http://localhost/mlcube.yaml', 'private-host'],
  ])('%s is warned of: %s', (url, code) => {
    expect(codes(url)).toEqual([`warning ${code}`]);
  });

  it('says how to name the file behind a page, and shows no signature', () => {
    const [page] = judgeLink('https://github.com/o/r/blob/main/cubes/mlcube.yaml');
    expect(page?.fix).toContain('https://raw.githubusercontent.com/o/r/COMMIT/cubes/mlcube.yaml');
    const [signed] = judgeLink('https://b.s3.amazonaws.com/k?X-Amz-Signature=secret');
    expect(JSON.stringify(signed)).not.toContain('secret');
  });

  it('is none where it is no URL', () => {
    expect(() => judgeLink('mlcube.yaml')).toThrow('text that is not a URL');
    expect(() => judgeLink('synapse:syn123')).toThrow('not supported yet');
  });
});
