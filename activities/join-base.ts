import { activityInfo, ApplicationFailure, Context } from '@temporalio/activity';
import { WorkflowFailedError } from '@temporalio/client';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType, TerminatedFailure } from '@temporalio/common';
import type { SearchAttributePair } from '@temporalio/common';
import {
  CONTRACT_VERSION,
  CONTROL_QUEUE,
  isFailureType,
  MedperfError,
  SEARCH_ATTRIBUTES,
  WORKFLOWS,
} from '../contract';
import type { BenchmarkBaseInput, BenchmarkBaseResult, Heartbeat, JoinedBase } from '../contract';
import { baseId } from './base-id';

/** Signals of the shared workflow; their argument tells the asker from the others. */
export const JOIN = 'join';
export const LEAVE = 'leave';

const MODEL = defineSearchAttributeKey(SEARCH_ATTRIBUTES.model, SearchAttributeType.KEYWORD);
const BENCHMARK = defineSearchAttributeKey(SEARCH_ATTRIBUTES.benchmark, SearchAttributeType.KEYWORD);

type BaseWorkflow = (input: BenchmarkBaseInput) => Promise<BenchmarkBaseResult | null>;

/**
 * Starts the shared work, or joins those who wait for it already, and waits for its end. Cancelled, it leaves: the work
 * itself ends when everybody has left. One that was left by all just then is started again.
 */
export async function joinBase(
  client: Client,
  input: BenchmarkBaseInput,
  tell: (details: Heartbeat) => void,
): Promise<JoinedBase> {
  const id = baseId(input, CONTRACT_VERSION);
  for (;;) {
    const handle = await client.workflow.signalWithStart<BaseWorkflow, [string]>(WORKFLOWS.benchmarkBase, {
      workflowId: id,
      taskQueue: CONTROL_QUEUE,
      args: [input],
      signal: JOIN,
      signalArgs: [askerName()],
      typedSearchAttributes: searchAttributes(input),
      staticSummary: input.part === 'prepared-data' ? 'prepare data that tests share' : 'run the reference model once',
    });
    const shared = { id, runId: handle.signaledRunId };
    tell({ shared });
    const result = await untilLeft(handle, () => resultOf(handle));
    if (result !== null) return { ...result, shared };
  }
}

/** By these a list of runs tells it from the others. */
function searchAttributes(input: BenchmarkBaseInput): SearchAttributePair[] {
  const { ref } = input.part === 'prepared-data' ? input.dataPreparator : input.reference;
  return [
    { key: MODEL, value: ref.kind === 'local' ? ref.label : ref.name },
    ...(input.benchmark === null ? [] : [{ key: BENCHMARK, value: String(input.benchmark) }]),
  ];
}

async function untilLeft<T>(handle: WorkflowHandle<BaseWorkflow>, work: () => Promise<T>): Promise<T> {
  const context = Context.current();
  const working = work();
  // Whoever has left does not hear how it ended.
  working.catch(() => undefined);
  try {
    return await Promise.race([working, context.cancelled]);
  } catch (error) {
    // A worker that stops, or an attempt that another one took over, is no reason to leave.
    if (context.cancellationDetails?.cancelRequested === true) {
      await handle.signal(LEAVE, askerName()).catch(() => undefined);
    }
    throw error;
  }
}

/** Null for work that everybody had left. */
async function resultOf(handle: WorkflowHandle<BaseWorkflow>): Promise<BenchmarkBaseResult | null> {
  try {
    return await handle.result();
  } catch (error) {
    if (error instanceof WorkflowFailedError) throw failureOf(error, handle.workflowId);
    throw error;
  }
}

/** The shared work's own failure, as if it had happened here. */
function failureOf(error: WorkflowFailedError, id: string): Error {
  for (let cause: unknown = error.cause; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof ApplicationFailure && isFailureType(cause.type)) return cause;
  }
  const how = error.cause instanceof TerminatedFailure ? 'terminated' : 'ended';
  return new MedperfError('InvalidRequest', {
    what: `The shared run ${id} was ${how} from outside before it had a result.`,
    next: 'start the test again; the shared run then starts again too.',
  });
}

function askerName(): string {
  const { workflowExecution, activityId } = activityInfo();
  return JSON.stringify([workflowExecution?.workflowId, workflowExecution?.runId, activityId]);
}
