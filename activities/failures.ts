import { activityInfo, cancellationSignal, CompleteAsyncError, log } from '@temporalio/activity';
import { ApplicationFailure, ApplicationFailureCategory, TemporalFailure } from '@temporalio/common';
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker';
import { ACTIVITIES, FAILURE_TYPES, MedperfError } from '../contract';
import { withoutHostPaths } from './host-paths';

/** Nobody knows what such a message quotes; a history keeps it. */
const MESSAGE_CHARACTERS = 2000;
const OURS: ReadonlySet<string> = new Set(Object.values(ACTIVITIES));

/** What our libraries foresee becomes a typed Temporal failure; everything else, cancellation too, stays as it is. */
export function asFailure(error: unknown): unknown {
  if (!(error instanceof MedperfError)) return error;
  const owner = FAILURE_TYPES[error.type];
  return withoutStacks(
    ApplicationFailure.create({
      message: error.message,
      type: error.type,
      // The model's and the request's failures do not end by trying again.
      nonRetryable: owner === 'model' || owner === 'request',
      details: [error.facts],
      ...(owner === 'person' ? { category: ApplicationFailureCategory.BENIGN } : {}),
    }),
  );
}

/** What nobody foresaw, as it may be kept in a history: without its stack, its causes and this host's paths. */
export function unforeseenFailure(error: unknown): ApplicationFailure {
  return withoutStacks(
    ApplicationFailure.create({
      message: withoutHostPaths(error instanceof Error ? error.message : String(error)).slice(0, MESSAGE_CHARACTERS),
      type: error instanceof Error ? error.name : 'Error',
    }),
  );
}

/** Gives every activity's foreseen errors their types, and keeps this host's paths out of our own; part of the plugin. */
export class FailureTypes implements ActivityInboundCallsInterceptor {
  async execute(input: ActivityExecuteInput, next: Next<ActivityInboundCallsInterceptor, 'execute'>): Promise<unknown> {
    try {
      return await next(input);
    } catch (error) {
      const failure = asFailure(error);
      if (!OURS.has(activityInfo().activityType)) throw failure;
      if (failure instanceof TemporalFailure) throw withoutStacks(failure);
      if (failure instanceof CompleteAsyncError || isCancellation(failure)) throw failure;
      log.error('An activity failed for a reason that was not foreseen.', { error });
      throw unforeseenFailure(failure);
    }
  }
}

/** How what was given our signal, such as an HTTP client, says that it was cancelled. */
function isCancellation(error: unknown): boolean {
  const name: unknown = typeof error === 'object' && error !== null && 'name' in error ? error.name : null;
  return cancellationSignal().aborted && name === 'AbortError';
}

/** Stacks name this host's paths. */
function withoutStacks<T extends Error>(failure: T): T {
  for (let error: unknown = failure; error instanceof Error; error = error.cause) error.stack = '';
  return failure;
}
