import { checkTestRunArguments } from './test-run-rules';
import type { TestRunArguments } from './test-run-rules';

const CUBE = { kind: 'cube', uid: 1 } as const;
const DIGEST = `sha256:${'a'.repeat(64)}` as const;
const VALUES: Required<Omit<TestRunArguments, 'noCache'>> = {
  benchmark: 1,
  model: CUBE,
  dataPreparator: CUBE,
  evaluator: CUBE,
  demoDatasetUrl: 'https://files.example/demo.tar.gz',
  demoDatasetHash: 'b'.repeat(64),
  rawData: DIGEST,
  rawLabels: DIGEST,
};
const NAMES = Object.keys(VALUES) as (keyof typeof VALUES)[];

function combination(bits: number): TestRunArguments {
  return Object.fromEntries(NAMES.filter((_, at) => (bits >> at) & 1).map((name) => [name, VALUES[name]]));
}

/** What a person would say of a combination: exactly one complete data source, and every cube from somewhere. */
function isComplete(given: TestRunArguments): boolean {
  const has = (name: keyof TestRunArguments): boolean => given[name] !== undefined;
  const raw = has('rawData') && has('rawLabels') && !has('demoDatasetUrl') && !has('demoDatasetHash');
  const demo = has('demoDatasetUrl') && has('demoDatasetHash') && !has('rawData') && !has('rawLabels');
  const own = !['rawData', 'rawLabels', 'demoDatasetUrl', 'demoDatasetHash'].some((name) => name in given);
  if (!has('benchmark')) return (raw || demo) && has('model') && has('evaluator') && has('dataPreparator');
  if (raw || demo) return !(has('model') && has('evaluator') && has('dataPreparator'));
  return own;
}

describe('checkTestRunArguments', () => {
  it('accepts exactly the complete combinations of all 256', () => {
    for (let bits = 0; bits < 256; bits++) {
      const given = combination(bits);
      let accepted = true;
      try {
        checkTestRunArguments(given);
      } catch {
        accepted = false;
      }
      expect({ given: Object.keys(given), accepted }).toEqual({
        given: Object.keys(given),
        accepted: isComplete(given),
      });
    }
  });

  it.each([
    [{ benchmark: 1, model: CUBE }, 'benchmark'],
    [{ benchmark: 1, rawData: DIGEST, rawLabels: DIGEST }, 'raw'],
    [{ benchmark: 1, demoDatasetUrl: 'u', demoDatasetHash: 'h' }, 'demo'],
  ] as const)('names the data source of %j', (given, source) => {
    expect(checkTestRunArguments(given)).toBe(source);
  });

  it('reports the first broken rule in MedPerf’s order', () => {
    expect(() => checkTestRunArguments({})).toThrow('Neither a model nor a benchmark');
    expect(() => checkTestRunArguments({ model: CUBE })).toThrow('Neither a metrics cube');
    expect(() => checkTestRunArguments({ benchmark: 1, rawData: DIGEST })).toThrow('without its labels');
  });
});
