import { MedperfError } from './failures';

/** The container steps of a test run, in their order; each is also its activity's id. */
export const TEST_STEPS = [
  'prepare',
  'sanity-check',
  'statistics',
  'infer-model',
  'evaluate-model',
  'infer-reference',
  'evaluate-reference',
] as const;
export type TestStep = (typeof TEST_STEPS)[number];

/** True for all of a test's steps, or names of some: see {@link stepsToRepeat}. */
export type NoCache = boolean | readonly string[];

/** Every name that stands for steps: a step's own, its task's, and the role of the cube that takes it. */
const STEPS_NAMED: Readonly<Record<string, readonly TestStep[]>> = {
  ...Object.fromEntries(TEST_STEPS.map((step) => [step, [step]])),
  sanity_check: ['sanity-check'],
  infer: ['infer-model', 'infer-reference'],
  evaluate: ['evaluate-model', 'evaluate-reference'],
  'data-preparator': ['prepare', 'sanity-check', 'statistics'],
  model: ['infer-model'],
  reference: ['infer-reference'],
  evaluator: ['evaluate-model', 'evaluate-reference'],
};

/** The names that {@link stepsToRepeat} takes. */
export const STEP_NAMES: readonly string[] = Object.keys(STEPS_NAMED);

/**
 * The steps whose containers run again although their results are known.
 * @throws MedperfError `InvalidRequest` for a name that stands for no step.
 */
export function stepsToRepeat(noCache: NoCache | undefined): ReadonlySet<TestStep> {
  if (noCache === undefined || noCache === false) return new Set();
  if (noCache === true) return new Set(TEST_STEPS);
  return new Set(
    noCache.flatMap((name) => {
      const steps = Object.hasOwn(STEPS_NAMED, name) ? STEPS_NAMED[name] : undefined;
      if (steps !== undefined) return steps;
      throw new MedperfError('InvalidRequest', {
        what: `${JSON.stringify(name)} is no step that could be run without the cache.`,
        expected: STEP_NAMES.join(', '),
        next: 'name some of these, separated by commas, or give --no-cache alone for all of them.',
      });
    }),
  );
}
