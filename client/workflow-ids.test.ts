import type { TestRunInput } from '../contract';
import { testIdentity, workflowId } from './workflow-ids';

const TREE = `sha256:${'a'.repeat(64)}` as const;
const INPUT: TestRunInput = {
  profile: 'default',
  benchmark: 1,
  model: { kind: 'local', tree: TREE, label: 'my-model' },
};
const id = (input: TestRunInput, username = 'ada'): string =>
  workflowId.testRun('https://medperf.example', username, input);

describe("a test's id", () => {
  it('is made of what is tested, and not of names', () => {
    const renamed = { ...INPUT, profile: 'other', model: { kind: 'local', tree: TREE, label: 'copy' } } as const;
    expect(id(renamed)).toBe(id(INPUT));
    expect(testIdentity(renamed)).toEqual(testIdentity(INPUT));
    expect(id(INPUT)).toMatch(/^medperf-test\/medperf\.example\/[0-9a-f]{16}$/);
  });

  it.each<[string, Partial<TestRunInput>]>([
    ['other bytes', { model: { kind: 'local', tree: `sha256:${'b'.repeat(64)}`, label: 'my-model' } }],
    ['another benchmark', { benchmark: 2 }],
    ['steps to run again', { noCache: ['infer'] }],
    ['GPUs', { gpus: 1 }],
  ])('is another one for %s', (_, change) => {
    expect(id({ ...INPUT, ...change })).not.toBe(id(INPUT));
  });

  it('is another one for another user', () => {
    expect(id(INPUT, 'bob')).not.toBe(id(INPUT));
  });
});
