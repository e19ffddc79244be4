import * as fc from 'fast-check';
import { formatImageReference, parseImageReference } from './image-reference';

const DIGEST = `sha256:${'ab'.repeat(32)}`;

describe('parseImageReference', () => {
  it.each([
    ['node', 'docker.io', 'library/node', 'latest', null],
    ['owner/model:1.0', 'docker.io', 'owner/model', '1.0', null],
    ['docker.io/node:20', 'docker.io', 'library/node', '20', null],
    ['index.docker.io/owner/model', 'docker.io', 'owner/model', 'latest', null],
    ['localhost/model', 'localhost', 'model', 'latest', null],
    ['localhost:5000/a/b/c:x', 'localhost:5000', 'a/b/c', 'x', null],
    ['127.0.0.1:5000/model', '127.0.0.1:5000', 'model', 'latest', null],
    ['[::1]:5000/model', '[::1]:5000', 'model', 'latest', null],
    ['images.example.org/a/b', 'images.example.org', 'a/b', 'latest', null],
    [`a/b@${DIGEST}`, 'docker.io', 'a/b', null, DIGEST],
    [`a/b:1@${DIGEST}`, 'docker.io', 'a/b', '1', DIGEST],
    ['a__b/c--d/e.f', 'docker.io', 'a__b/c--d/e.f', 'latest', null],
  ])('%s', (text, host, repository, tag, digest) => {
    expect(parseImageReference(text)).toEqual({ host, repository, tag, digest });
  });

  it.each([
    '',
    '/',
    'a/',
    '/a',
    'a//b',
    'A',
    'a/B',
    'a:',
    'a:-x',
    'a b',
    'a\n',
    'a@sha256:12',
    'a@md5:00',
    '../a',
    'a/../b',
    'a_',
    'host:99999999/a',
    'https://host/a',
    'user@host/a',
    'ab'.repeat(32),
    `a/${'b'.repeat(300)}`,
    `a:${'b'.repeat(129)}`,
  ])('refuses %j', (text) => {
    expect(parseImageReference(text)).toBeNull();
  });

  it('reads its own whole form back, and never takes a path that climbs', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ab0._-/:@A%?#\\'.split('')), maxLength: 30 }), (text) => {
        const parsed = parseImageReference(text);
        if (parsed === null) return;
        expect(parseImageReference(formatImageReference(parsed))).toEqual(parsed);
        expect(parsed.repository.split('/')).not.toContain('..');
        expect(parsed.repository).toMatch(/^[a-z0-9._/-]+$/);
      }),
      { numRuns: 2000 },
    );
  });
});
