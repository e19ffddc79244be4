import { MedperfError } from '../contract';
import type { Task } from '../contract';
import type { RunLimits } from '../engine/engine';

/** What some runs get instead of the policy's general values. */
export interface PolicyRule {
  readonly task?: Task;
  /** A cube's name, or the beginning of names with a `*` at its end. */
  readonly cube?: string;
  /** Uid of the benchmark that the run is for. */
  readonly benchmark?: number;
  readonly limits?: Partial<RunLimits>;
  /** GPUs that the task gets, also when the run asks for fewer. */
  readonly gpus?: number;
}

/** What the rules tell runs apart by. */
export interface RunKind {
  readonly task: Task;
  readonly cube: string;
  readonly benchmark: number | null;
}

export interface Allowance {
  readonly limits: RunLimits;
  readonly gpus: number;
}

/** What the policy gives to a run: its general limits, changed by each rule that fits; later rules win. */
export function policyFor(
  policy: { readonly limits: RunLimits; readonly rules: readonly PolicyRule[] },
  run: RunKind,
): Allowance {
  const fitting = policy.rules.filter((rule) => fits(rule, run));
  return {
    limits: fitting.reduce((limits, rule) => ({ ...limits, ...rule.limits }), policy.limits),
    gpus: fitting.reduce((gpus, rule) => rule.gpus ?? gpus, 0),
  };
}

/** @throws MedperfError `InvalidRequest` for a rule whose tasks could never run on a host with so few GPUs. */
export function refuseRulesBeyond(rules: readonly PolicyRule[], hostGpus: number): void {
  const [at, rule] = [...rules.entries()].find(([, { gpus = 0 }]) => gpus > hostGpus) ?? [];
  if (at === undefined || rule === undefined) return;
  throw new MedperfError('InvalidRequest', {
    what: `The policy's rules[${at}] gives its tasks more GPUs than this host has, so that none of them could run here.`,
    expected: `gpus: at most ${hostGpus}`,
    found: String(rule.gpus),
    next: 'correct the rule, or give this host a policy of its own; `nvidia-smi` shows the GPUs that are detected.',
  });
}

function fits(rule: PolicyRule, run: RunKind): boolean {
  return (
    (rule.task === undefined || rule.task === run.task) &&
    (rule.cube === undefined || isNamed(run.cube, rule.cube)) &&
    (rule.benchmark === undefined || rule.benchmark === run.benchmark)
  );
}

function isNamed(cube: string, pattern: string): boolean {
  return pattern.endsWith('*') ? cube.startsWith(pattern.slice(0, -1)) : cube === pattern;
}
