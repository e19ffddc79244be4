import fc from 'fast-check';
import { canonicalJson } from './actions';

describe('canonicalJson', () => {
  it('does not depend on the order of keys, at any level', () => {
    expect(canonicalJson({ b: { d: 1, c: [2, { z: 1, y: 2 }] }, a: null })).toBe(
      '{"a":null,"b":{"c":[2,{"y":2,"z":1}],"d":1}}',
    );
  });

  it('leaves out what is undefined, as a payload would', () => {
    expect(canonicalJson({ a: undefined, b: 1 })).toBe('{"b":1}');
  });

  it('keeps every JSON value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});
