import fc from 'fast-check';
import { MedperfError } from '../contract';
import type { JsonValue } from '../contract';
import { canonicalYaml, plainYaml } from './canonical-yaml';

const objects = fc.dictionary(
  fc.string().filter((key) => key !== '__proto__' && key !== '<<'),
  fc.jsonValue({ maxDepth: 4 }).filter((value) => !/"(__proto__|<<)":|-0/.test(JSON.stringify(value))),
) as fc.Arbitrary<Record<string, JsonValue>>;

function shuffled(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map((item: JsonValue) => shuffled(item));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value as Record<string, JsonValue>).reverse();
  return Object.fromEntries(entries.map(([key, item]) => [key, shuffled(item)]));
}

it('reads back what it wrote', () => {
  fc.assert(
    fc.property(objects, (value) => {
      expect(plainYaml(canonicalYaml(value), 'f')).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});

it('writes equal values as equal texts, in whatever order they are', () => {
  fc.assert(fc.property(objects, (value) => canonicalYaml(shuffled(value)) === canonicalYaml(value)));
});

it('writes the same text for JSON of a server and for a file of a person', () => {
  const written = '# by hand\nthreshold: 0.50\nlabels: [b, "a"]\nnested: { x: 1.0, a: null }\n';
  const held = { nested: { a: null, x: 1 }, labels: ['b', 'a'], threshold: 0.5 };
  expect(canonicalYaml(plainYaml(written, 'parameters.yaml'))).toBe(canonicalYaml(held));
});

it.each([
  ['a: .nan', 'NaN is no number'],
  ['a: [1, -.inf]', '-Infinity is no number'],
  ['a: 1\na: 2', 'is there already'],
  ['a: !!python/object x', 'the tag'],
  ['- a', 'no mapping'],
])('refuses %j', (text, words) => {
  expect(() => plainYaml(text, 'parameters.yaml')).toThrow(MedperfError);
  try {
    plainYaml(text, 'parameters.yaml');
  } catch (error) {
    expect((error as MedperfError).facts.findings?.map(({ message }) => message).join()).toContain(words);
  }
});
