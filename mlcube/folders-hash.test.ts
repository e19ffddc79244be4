import { createHash } from 'node:crypto';
import { foldersHash } from './folders-hash';

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

// Vectors observed from MedPerf's own client.
describe('foldersHash', () => {
  it.each([
    [['1', '2'], '33b675636da5dcc86ec847b38c08fa49ff1cace9749931e0a5d4dfdbdedd808a'],
    [['1', '2', '1'], '4c78e85d32b515b8df236df5aed5495622ce252265d85f3c2798758c2b32ea4b'],
    [[], hash('')],
  ])('hashes files %j', (files, expected) => {
    expect(foldersHash(files.map(hash))).toBe(expected);
  });

  it('does not depend on the order', () => {
    expect(foldersHash([hash('2'), hash('1')])).toBe(foldersHash([hash('1'), hash('2')]));
  });
});
