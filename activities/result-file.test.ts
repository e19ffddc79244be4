import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileStore } from '../store/file-store';
import { readResultFile, requireMapping, sanitised } from './result-file';

describe('sanitised', () => {
  it('writes what JSON lacks as the words that MedPerf uses', () => {
    expect(sanitised({ a: [NaN, 1], b: { c: Infinity, d: -Infinity } })).toEqual({
      a: ['nan', 1],
      b: { c: 'Infinity', d: '-Infinity' },
    });
  });
});

describe('requireMapping', () => {
  it.each([
    ['- 1\n- 2', 'a list'],
    ['', 'an empty file'],
    ['just text', 'string'],
    ['a: [', 'not YAML'],
    ['results: &a\n  x: *a\n', 'contains itself'],
    ['a: 1\na: 2\n', 'twice'],
  ])('refuses %j', (text, found) => {
    expect(() => requireMapping(text, 'The output.')).toThrow(found);
  });

  it('accepts a mapping', () => {
    expect(() => requireMapping('AUC: {Edema: 1}', 'The output.')).not.toThrow();
  });
});

it('refuses a file that is too large for a result, without reading it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'medperf-results-'));
  const store = new FileStore(folder);
  const { digest } = await store.putBytes(`a: ${'x'.repeat(2 * 1024 * 1024)}`);
  await expect(readResultFile(store, digest, 'The output.')).rejects.toMatchObject({ type: 'IncompatibleModel' });
  await rm(folder, { recursive: true });
});
