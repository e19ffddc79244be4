import { readChallenges } from './registry-challenge';

describe('readChallenges', () => {
  it('reads a Bearer challenge whose scope holds a comma', () => {
    const header = 'Bearer realm="https://auth.example.org/token",service="r",scope="repository:a/b:pull,push"';
    expect(readChallenges(header)).toEqual([
      {
        scheme: 'bearer',
        parameters: { realm: 'https://auth.example.org/token', service: 'r', scope: 'repository:a/b:pull,push' },
      },
    ]);
  });

  it('reads several challenges, quotes inside quotes and unquoted values', () => {
    expect(readChallenges('Negotiate, Basic realm="a \\"b\\"", charset=UTF-8, BEARER realm=x')).toEqual([
      { scheme: 'negotiate', parameters: {} },
      { scheme: 'basic', parameters: { realm: 'a "b"', charset: 'UTF-8' } },
      { scheme: 'bearer', parameters: { realm: 'x' } },
    ]);
  });

  it('gives up at what it cannot read, soon', () => {
    expect(readChallenges('')).toEqual([]);
    expect(readChallenges('realm="x"')).toEqual([]);
    expect(readChallenges(`Basic realm="${'\\'.repeat(100_000)}`)).toEqual([{ scheme: 'basic', parameters: {} }]);
  });
});
