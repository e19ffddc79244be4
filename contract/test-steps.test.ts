import { STEP_NAMES, stepsToRepeat, TEST_STEPS } from './test-steps';

describe('stepsToRepeat', () => {
  it('takes all or none without names', () => {
    expect([...stepsToRepeat(true)]).toEqual([...TEST_STEPS]);
    expect(stepsToRepeat(false).size).toBe(0);
    expect(stepsToRepeat(undefined).size).toBe(0);
  });

  it.each([
    ['infer-model', ['infer-model']],
    ['infer', ['infer-model', 'infer-reference']],
    ['sanity_check', ['sanity-check']],
    ['data-preparator', ['prepare', 'sanity-check', 'statistics']],
    ['evaluator', ['evaluate-model', 'evaluate-reference']],
  ])('takes %s for its steps', (name, steps) => {
    expect([...stepsToRepeat([name])]).toEqual(steps);
  });

  it.each(['Infer', '', 'toString', './model'])('refuses %j with the names that there are', (name) => {
    expect(() => stepsToRepeat(['infer', name])).toThrow(STEP_NAMES.join(', '));
  });
});
