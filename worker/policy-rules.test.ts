import fc from 'fast-check';
import { TASKS } from '../contract';
import { DEFAULT_POLICY } from './policy';
import { policyFor, refuseRulesBeyond } from './policy-rules';
import type { PolicyRule } from './policy-rules';

const { limits } = DEFAULT_POLICY;
const RUN = { task: 'infer', cube: 'lung-unet', benchmark: 7 } as const;

describe('policyFor', () => {
  it('gives the general limits and no GPU without rules', () => {
    expect(policyFor({ limits, rules: [] }, RUN)).toEqual({ limits, gpus: 0 });
  });

  it.each<[string, PolicyRule, boolean]>([
    ['everything', {}, true],
    ['its task', { task: 'infer' }, true],
    ['another task', { task: 'evaluate' }, false],
    ['its name', { cube: 'lung-unet' }, true],
    ['a beginning of its name, written without a star', { cube: 'lung' }, false],
    ['a beginning of its name', { cube: 'lung-*' }, true],
    ['its whole name and a star', { cube: 'lung-unet*' }, true],
    ['another beginning', { cube: 'brain-*' }, false],
    ['its benchmark', { benchmark: 7 }, true],
    ['another benchmark', { benchmark: 8 }, false],
    ['all of its own', { task: 'infer', cube: 'lung-unet', benchmark: 7 }, true],
    ['one thing that is not its own', { task: 'infer', cube: 'lung-unet', benchmark: 8 }, false],
  ])('applies a rule for %s or not', (_, rule, applies) => {
    const changed = policyFor({ limits, rules: [{ ...rule, limits: { pids: 7 } }] }, RUN);
    expect(changed.limits).toEqual(applies ? { ...limits, pids: 7 } : limits);
  });

  it('applies no rule for a benchmark to a run without one', () => {
    const rules = [{ benchmark: 7, limits: { pids: 7 } }];
    expect(policyFor({ limits, rules }, { ...RUN, benchmark: null }).limits).toEqual(limits);
  });

  it('gives GPUs to the named task alone', () => {
    const rules = [{ task: 'infer', gpus: 2 } as const];
    expect(policyFor({ limits, rules }, RUN).gpus).toBe(2);
    expect(policyFor({ limits, rules }, { ...RUN, task: 'evaluate' }).gpus).toBe(0);
  });

  const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });
  const rule = fc
    .record({
      task: optional(fc.constantFrom(...TASKS)),
      cube: optional(fc.constantFrom('a', 'ab', 'a*', 'b*')),
      benchmark: optional(fc.constantFrom(1, 2)),
      limits: optional(
        fc.record({ pids: fc.nat(), cpus: fc.nat(), idleMs: fc.nat(), wallClockMs: fc.nat() }, { requiredKeys: [] }),
      ),
      gpus: optional(fc.nat(4)),
    })
    .map((made) => Object.fromEntries(Object.entries(made).filter(([, value]) => value !== undefined)) as PolicyRule);
  const run = fc.record({
    task: fc.constantFrom(...TASKS),
    cube: fc.constantFrom('a', 'ab', 'b', 'c'),
    benchmark: fc.constantFrom(1, 2, 3, null),
  });

  it('always gives complete limits, each from the last rule that fits and names it', () => {
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 6 }), run, (rules, kind) => {
        const given = policyFor({ limits, rules }, kind);
        expect(Object.keys(given.limits).sort()).toEqual(Object.keys(limits).sort());
        const alone = rules.filter(
          (one) => policyFor({ limits, rules: [{ ...one, limits: { shmBytes: -1 } }] }, kind).limits.shmBytes === -1,
        );
        for (const key of ['pids', 'cpus', 'idleMs', 'wallClockMs'] as const) {
          const last = alone.findLast((one) => one.limits?.[key] !== undefined);
          expect(given.limits[key]).toBe(last?.limits?.[key] ?? limits[key]);
        }
        expect(given.gpus).toBe(alone.findLast(({ gpus }) => gpus !== undefined)?.gpus ?? 0);
      }),
    );
  });
});

it('refuses rules that give more GPUs than the host has, naming the rule', () => {
  const rules = [
    { task: 'infer', gpus: 1 },
    { task: 'evaluate', limits: {} },
    { task: 'infer', cube: 'big-*', gpus: 4 },
  ] as const;
  expect(() => refuseRulesBeyond(rules, 4)).not.toThrow();
  expect(() => refuseRulesBeyond(rules, 2)).toThrow(/rules\[2\].*at most 2.*4/s);
  expect(() => refuseRulesBeyond(rules, 0)).toThrow(/rules\[0\]/);
});
