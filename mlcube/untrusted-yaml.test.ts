import fc from 'fast-check';
import { stringify } from 'yaml';
import { readUntrustedYaml, UnreadableYaml } from './untrusted-yaml';

it('reads what programs write', () => {
  const text = 'a: 1\nb: [x, .nan, .inf, true, ~]\nc: &c {d: "1"}\ne: *c\n1: one\n';
  expect(readUntrustedYaml(text)).toEqual({
    a: 1,
    b: ['x', NaN, Infinity, true, null],
    c: { d: '1' },
    e: { d: '1' },
    1: 'one',
  });
  expect(readUntrustedYaml('')).toBeNull();
  expect(readUntrustedYaml('{"json": [1e3]}')).toEqual({ json: [1000] });
});

it.each([
  ['a: [', /not YAML/],
  ['a: &a\n  x: *a\n', /contains itself/],
  ['a: *nowhere', /not YAML|without an anchor/],
  ['a: 1\na: 2', /twice/],
  ['? [a, b]\n: 1', /no plain text/],
  ['['.repeat(200_000), /levels|not YAML/],
  [`${'['.repeat(70)}${']'.repeat(70)}`, /levels/],
  [Array.from({ length: 60_000 }, (_, at) => `k${at}: 1`).join('\n'), /more than 100000 values/],
  ['x'.repeat(2 * 1024 * 1024), /characters/],
])('refuses %.20j', (text, why) => {
  expect(() => readUntrustedYaml(text)).toThrow(why);
});

it('refuses texts whose aliases repeat without bound, also in depth', () => {
  const bomb = ['a0: &a0 [1]', ...Array.from({ length: 20 }, (_, at) => `a${at + 1}: &a${at + 1} [*a${at}, *a${at}]`)];
  expect(() => readUntrustedYaml(bomb.join('\n'))).toThrow(/values/);
  const chain = ['a0: &a0 [1]', ...Array.from({ length: 80 }, (_, at) => `a${at + 1}: &a${at + 1} [*a${at}]`)];
  expect(() => readUntrustedYaml(chain.join('\n'))).toThrow(/levels/);
});

it('takes __proto__ for a key', () => {
  const value = readUntrustedYaml('__proto__: {polluted: 1}') as object;
  expect(Object.keys(value)).toEqual(['__proto__']);
  expect(({} as { polluted?: number }).polluted).toBeUndefined();
});

it('reads back any plain data, and never fails otherwise than by its own error', () => {
  const leaf = fc.oneof(fc.integer(), fc.string(), fc.boolean(), fc.constant(null));
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof({ depthSize: 'small' }, leaf, fc.array(tie('value')), fc.dictionary(fc.string(), tie('value'))),
  }));
  fc.assert(
    fc.property(value, (data) => {
      expect(readUntrustedYaml(stringify(data, { aliasDuplicateObjects: false }))).toEqual(data);
    }),
    { numRuns: 200 },
  );
  fc.assert(
    fc.property(
      fc.string({
        unit: fc.constantFrom(
          '&',
          '*',
          'a',
          ':',
          '[',
          ']',
          '{',
          '}',
          '-',
          '?',
          ' ',
          '\n',
          '"',
          '#',
          '!',
          '|',
          '>',
          '%',
          '@',
        ),
        maxLength: 60,
      }),
      (text) => {
        try {
          readUntrustedYaml(text);
        } catch (error) {
          expect(error).toBeInstanceOf(UnreadableYaml);
        }
      },
    ),
    { numRuns: 2000 },
  );
});
