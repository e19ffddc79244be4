import { FAILURE_TYPES } from '../contract';
import { EXIT, exitCodeOf } from './exit-codes';

describe('exitCodeOf', () => {
  it.each([
    ['IncompatibleModel', 1],
    ['InvalidRequest', 1],
    ['Cancelled', 1],
    ['WrongUse', 2],
    ['RegistryRejected', 3],
    ['NeedsAttention', 4],
    ['RegistryUnavailable', 5],
    ['EngineUnavailable', 5],
    ['StoreUnavailable', 5],
    ['TemporalUnavailable', 5],
    ['a type that is not ours', 1],
  ])('ends %s with %d', (type, code) => {
    expect(exitCodeOf(type)).toBe(code);
  });

  it('never calls a failure done', () => {
    for (const type of Object.keys(FAILURE_TYPES)) expect(exitCodeOf(type)).not.toBe(EXIT.done);
  });
});
