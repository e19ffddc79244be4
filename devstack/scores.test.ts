import fc from 'fast-check';

type Metric = (truth: readonly number[], score: readonly number[], threshold?: number) => number;
const { accuracy, auroc, f1 } =
  jest.requireActual<Record<'accuracy' | 'auroc' | 'f1', Metric>>('./cubes/metrics/scores.js');

const TRUTH = [0, 0, 1, 1];
const SCORE = [0.1, 0.4, 0.35, 0.8];

describe("the metrics cube's scores", () => {
  it('gives the known AUROC of an example', () => expect(auroc(TRUTH, SCORE)).toBe(0.75));
  it('counts a tie as half', () => expect(auroc([0, 1, 1], [0.5, 0.5, 0.9])).toBe(0.75));
  it('has no AUROC where one kind is missing', () => expect(auroc([1, 1], [0.2, 0.3])).toBeNaN());
  it('gives the known F1 of an example', () =>
    expect(f1([1, 1, 1, 0, 0], [0.9, 0.8, 0.1, 0.7, 0.2], 0.5)).toBeCloseTo(2 / 3));
  it('calls a score at the threshold present', () => expect(f1([1], [0.5], 0.5)).toBe(1));
  it('has an F1 of 0 where nothing is present and nothing called so', () => expect(f1([0], [0], 0.5)).toBe(0));
  it('gives the share of right calls', () => expect(accuracy(TRUTH, SCORE, 0.5)).toBe(0.75));

  it('agrees with counting every pair, for any scores', () => {
    const cases = fc.array(
      fc.record({ truth: fc.integer({ min: 0, max: 1 }), score: fc.integer({ min: 0, max: 9 }) }),
      { minLength: 2 },
    );
    fc.assert(
      fc.property(cases, (rows) => {
        const fast = auroc(
          rows.map(({ truth }) => truth),
          rows.map(({ score }) => score),
        );
        const pairs = rows.flatMap((one) =>
          rows
            .filter((other) => one.truth === 1 && other.truth === 0)
            .map((other) => Math.sign(one.score - other.score)),
        );
        const counted = pairs.reduce((sum, sign) => sum + (sign + 1) / 2, 0) / pairs.length;
        if (pairs.length === 0) expect(fast).toBeNaN();
        else expect(fast).toBeCloseTo(counted, 10);
      }),
    );
  });
});
