import type { Client } from '@temporalio/client';
import { z } from 'zod';
import { pendingWithShared } from '../client/read-progress';
import type { ActionDifference, CacheMiss, ResultOrigin } from '../contract';
import { TEST_STEPS } from '../contract';
import { plainLine } from '../engine/log-tail';
import { finishedUntilNow } from './run-history';
import type { FinishedStep } from './run-history';

/** Why a step's container ran, or did not have to. */
export interface StepReason {
  readonly step: string;
  readonly how: 'reused' | 'ran' | 'running' | 'failed';
  /** The run that several share, in which the step was done. */
  readonly shared?: string;
  /** Of the result that was reused. */
  readonly from?: ResultOrigin;
  readonly miss?: CacheMiss;
}

const text = z.string();
const OriginSchema = z.object({ at: text, host: text, run: text.exactOptional() });
const DifferenceSchema = z.object({
  part: z.enum(['contract version', 'image', 'entry point', 'command', 'environment', 'input', 'outputs']),
  name: text.exactOptional(),
  was: text.exactOptional(),
  is: text.exactOptional(),
});
const MissSchema = z.discriminatedUnion('reason', [
  z.object({ reason: z.literal('first') }),
  z.object({ reason: z.literal('asked-for') }),
  z.object({ reason: z.literal('not-reusable'), earlier: OriginSchema }),
  z.object({ reason: z.literal('differs'), earlier: OriginSchema, differences: z.array(DifferenceSchema) }),
]) satisfies z.ZodType<CacheMiss>;
const TaskResultSchema = z.object({ reused: z.boolean(), origin: OriginSchema, miss: MissSchema.exactOptional() });

/** For each container step of a run, also of one that goes on, whether it ran and why. */
export async function stepReasons(client: Client, id: string): Promise<StepReason[]> {
  const pending = await pendingWithShared(client, await client.workflow.getHandle(id).describe());
  const finished = await finishedUntilNow(client, id, pending);
  const reasons = finished.flatMap((step) => reasonOf(step) ?? []);
  for (const [step, { heartbeat }] of pending) {
    if (isTestStep(step)) reasons.push({ step, how: 'running', ...missOf(heartbeat?.miss) });
  }
  return reasons;
}

function reasonOf({ id: step, result, failure, shared }: FinishedStep): StepReason | null {
  const where = shared === undefined ? {} : { shared };
  const taken = TaskResultSchema.safeParse(result);
  if (taken.success) {
    const { reused, origin, miss } = taken.data;
    return reused ? { step, how: 'reused', ...where, from: origin } : { step, how: 'ran', ...where, ...missOf(miss) };
  }
  return failure !== null && isTestStep(step) ? { step, how: 'failed', ...where } : null;
}

function missOf(miss: CacheMiss | undefined): { miss?: CacheMiss } {
  return miss === undefined ? {} : { miss };
}

function isTestStep(step: string): boolean {
  return TEST_STEPS.some((known) => known === step);
}

export function renderReasons(reasons: readonly StepReason[]): string {
  if (reasons.length === 0) return 'No container step of this run has begun.';
  const width = Math.max(...reasons.map(({ step }) => step.length));
  return reasons
    .flatMap((reason) => {
      const shared = reason.shared === undefined ? '' : ` (in the shared run ${reason.shared})`;
      const [first = '', ...more] = explanation(reason);
      return [`${reason.step.padEnd(width)}  ${reason.how}${first}${shared}`, ...more.map((line) => `    ${line}`)];
    })
    .join('\n');
}

function explanation({ how, from, miss }: StepReason): string[] {
  if (from !== undefined) return [` from ${place(from)}`];
  if (miss === undefined) return [how === 'running' ? ': it waits for its turn' : ''];
  switch (miss.reason) {
    case 'first':
      return [": no earlier run of this cube's task is known"];
    case 'asked-for':
      return [': asked for with --no-cache'];
    case 'not-reusable':
      return [`: the same was run before (${place(miss.earlier)}), but that result may not or can no longer be taken`];
    case 'differs':
      return [`: not the same as ${place(miss.earlier)}`, ...miss.differences.map(inWords)];
  }
}

function place({ at, host, run }: ResultOrigin): string {
  const when = `${at.slice(0, 19).replace('T', ' ')} UTC`;
  return `the run of ${when} on ${plainLine(host)}${run === undefined ? '' : `, ${plainLine(run)}`}`;
}

function inWords({ part, name, was, is }: ActionDifference): string {
  const what = name === undefined ? part : `${part} ${plainLine(name)}`;
  if (was === undefined) return `${what}: new, ${plainLine(is ?? '')}`;
  if (is === undefined) return `${what}: no longer there, was ${plainLine(was)}`;
  return `${what}: was ${plainLine(was)}, is ${plainLine(is)}`;
}
