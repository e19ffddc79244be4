import fc from 'fast-check';
import type { JsonValue } from '../contract';
import { canonicalYaml } from './canonical-yaml';
import { plainYaml } from './plain-yaml';

type JsonMapping = Readonly<Record<string, JsonValue>>;

const read = (text: string): JsonMapping => plainYaml(text, 'parameters.yaml');
const mapping = fc.dictionary(
  fc.string({ unit: 'binary' }),
  fc.jsonValue({ stringUnit: 'binary', maxDepth: 4 }),
) as fc.Arbitrary<JsonMapping>;

describe('canonicalYaml', () => {
  it('writes sorted keys, and words and numbers so that no reader takes them for something else', () => {
    const text = canonicalYaml({ on: 'yes', 'b c': [1, [], { d: null }], a: { large: 1e21, small: 1e-7, half: 0.5 } });
    expect(text).toBe(
      [
        '"a":',
        '  "half": 0.5',
        '  "large": 1.0e+21',
        '  "small": 1.0e-7',
        '"b c":',
        '  - 1',
        '  - []',
        '  -',
        '    "d": null',
        '"on": "yes"',
        '',
      ].join('\n'),
    );
    expect(canonicalYaml(null)).toBe('null\n');
    expect(canonicalYaml({ 'x\u2028\x85': '\ufeff"\n' })).toBe('"x\\u2028\\u0085": "\\ufeff\\"\\n"\n');
  });

  it('is read back as the value that was written', () => {
    fc.assert(
      fc.property(mapping, (value) => {
        expect(read(canonicalYaml(value))).toEqual(value);
      }),
    );
    const odd: JsonMapping = { ['k'.repeat(3000)]: [{ ['l'.repeat(2000)]: 1 }], '<<x': '', '': {}, '2': 2 ** 60 };
    expect(read(canonicalYaml(odd))).toEqual(odd);
    const prototype = JSON.parse('{"__proto__": {"polluted": 1}}') as JsonMapping;
    expect(Object.keys(read(canonicalYaml(prototype)))).toEqual(['__proto__']);
  });

  it('gives equal values equal texts, whatever the order of their keys', () => {
    const reversed = (value: JsonValue): JsonValue => {
      if (typeof value !== 'object' || value === null) return value;
      if (Array.isArray(value)) return value.map((item: JsonValue) => reversed(item));
      const entries = Object.entries(value as JsonMapping).toReversed();
      return Object.fromEntries(entries.map(([key, item]) => [key, reversed(item)]));
    };
    fc.assert(
      fc.property(mapping, (value) => {
        expect(canonicalYaml(reversed(value))).toBe(canonicalYaml(value));
      }),
    );
  });
});
