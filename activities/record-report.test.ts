import { HEADLINE_ENTRIES } from '../contract';
import { headline, requireMapping, sanitised } from './record-report';

describe('sanitised', () => {
  it('writes what JSON lacks as the words that MedPerf uses', () => {
    expect(sanitised({ a: [NaN, 1], b: { c: Infinity, d: -Infinity } })).toEqual({
      a: ['nan', 1],
      b: { c: 'Infinity', d: '-Infinity' },
    });
  });
});

describe('headline', () => {
  it('names numbers by their path and leaves texts out', () => {
    expect(headline({ AUC: { Edema: 0.9, note: 'x' }, Accuracy: 0.5 })).toEqual({ 'AUC.Edema': 0.9, Accuracy: 0.5 });
  });

  it('is bounded', () => {
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`m${i}`, i]));
    expect(Object.keys(headline(many))).toHaveLength(HEADLINE_ENTRIES);
  });
});

describe('requireMapping', () => {
  it.each([
    ['- 1\n- 2', 'a list'],
    ['', 'an empty file'],
    ['just text', 'string'],
    ['a: [', 'does not parse'],
  ])('refuses %j', (text, found) => {
    expect(() => requireMapping(text, 'The output.')).toThrow(found);
  });

  it('accepts a mapping', () => {
    expect(() => requireMapping('AUC: {Edema: 1}', 'The output.')).not.toThrow();
  });
});
