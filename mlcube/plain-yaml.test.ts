import { MedperfError } from '../contract';
import type { JsonValue } from '../contract';
import { canonicalYaml } from './canonical-yaml';
import { plainYaml } from './plain-yaml';

const read = (text: string): Readonly<Record<string, JsonValue>> => plainYaml(text, 'parameters.yaml');

describe('plainYaml', () => {
  it('reads what people write, and forgets how they wrote it', () => {
    const text = 'labels: &l [a, "1"] # as they come\nsame: *l\nzero: -0\nfloat: 1.50\nnothing:\n';
    expect(read(text)).toEqual({ labels: ['a', '1'], same: ['a', '1'], zero: 0, float: 1.5, nothing: null });
    const held = { nested: { a: null, x: 1 }, labels: ['b', 'a'], threshold: 0.5 };
    const written = '# by hand\nthreshold: 0.50\nlabels: [b, "a"]\nnested: { x: 1.0, a: null }\n';
    expect(canonicalYaml(read(written))).toBe(canonicalYaml(held));
    expect(canonicalYaml(read('b: 1\na: {d: 2, c: 3}'))).toBe(canonicalYaml(read('{"a": {"c": 3, "d": 2}, "b": 1}')));
  });

  it.each([
    ['a: 1\nb: [x, .nan]', /parameters\.yaml:2: error: the number NaN/],
    ['a: -.inf', /:1: error: the number -Infinity/],
    ['seed: 12345678901234567890', /:1: error: the number 12345678901234567890/],
    ['- a\n- b', /cannot be used by today's MedPerf.*:1: error: the file holds a list, and no mapping/s],
    ['text', /holds a single value, and no mapping/],
    ['', /is empty, and no mapping/],
    ['a: 1\na: 2', /there already/],
    ['a: !python/object x', /tag/],
    ['<<: {a: 1}', /merge keys/],
    ['a: &a [*a]', /contains itself/],
    ['a: [', /not YAML/],
    [`a: ${'x'.repeat(4 * 1024 * 1024)}`, /longer than/],
    [`a: ${'['.repeat(80)}${']'.repeat(80)}`, /more than 64 levels/],
  ])('refuses %.30j', (text, why) => {
    expect(() => read(text)).toThrow(why);
    expect(() => read(text)).toThrow(MedperfError);
  });

  it.each(['no', 'On', '010', '0o17', '0b1', '1_000', '12:30', '2001-01-01', '1e-3', '1.5e3', '-.5', '='])(
    'refuses %s, which Python and others read differently, unless in quotes',
    (text) => {
      expect(() => read(`a: [${text}]`)).toThrow(/:1: error: .* is one thing to YAML 1\.1/);
      expect(read(`a: "${text}"\nb: !!str ${text}`)).toEqual({ a: text, b: text });
    },
  );

  it.each(['no', 'On', '0123', '12:30', '2001-01-01', '1e-3', '='])(
    'refuses the key %s, for the same reason, unless in quotes',
    (key) => {
      expect(() => read(`a:\n  ${key}: 1`)).toThrow(/:2: error: the key .* is one thing to YAML 1\.1.*quotes/);
      expect(read(`a: {"${key}": 1}\n!!str ${key}: 2`)).toEqual({ a: { [key]: 1 }, [key]: 2 });
    },
  );

  it.each(['1', 'true', 'y', 'epoch-10', '8g'])('takes the key %s as it is', (key) => {
    expect(read(`${key}: 1`)).toEqual({ [key]: 1 });
  });

  it.each(['true', 'Null', '0', '-1', '0.5', '1.0e-7', '.5', '0x1F', 'y', 'a:b', '1.2.3', '8g', '~'])(
    'takes %s as it is',
    (text) => {
      expect(() => read(`a: ${text}`)).not.toThrow();
    },
  );

  it('refuses aliases that repeat without bound, also in depth', () => {
    const bomb = [
      'a0: &a0 [1]',
      ...Array.from({ length: 20 }, (_, at) => `a${at + 1}: &a${at + 1} [*a${at}, *a${at}]`),
    ];
    expect(() => read(bomb.join('\n'))).toThrow(/more than 100000 values/);
    const chain = ['a0: &a0 [1]', ...Array.from({ length: 5000 }, (_, at) => `a${at + 1}: &a${at + 1} [*a${at}]`)];
    expect(() => read(chain.join('\n'))).toThrow(/levels deep/);
  });
});
