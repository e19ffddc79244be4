import { ApplicationFailure } from '@temporalio/activity';
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker';
import { ApplicationFailureCategory } from '@temporalio/common';
import { FAILURE_TYPES, MedperfError } from '../contract';

/** What our libraries foresee becomes a typed Temporal failure; everything else, cancellation too, stays as it is. */
export function asFailure(error: unknown): unknown {
  if (!(error instanceof MedperfError)) return error;
  const owner = FAILURE_TYPES[error.type];
  const failure = ApplicationFailure.create({
    message: error.message,
    type: error.type,
    // The model's and the request's failures do not end by trying again.
    nonRetryable: owner === 'model' || owner === 'request',
    details: [error.facts],
    ...(owner === 'person' ? { category: ApplicationFailureCategory.BENIGN } : {}),
  });
  // What was foreseen needs no stack, and its paths of this host do not belong into a history.
  failure.stack = '';
  return failure;
}

/** Gives every activity's foreseen errors their types; part of the plugin. */
export class FailureTypes implements ActivityInboundCallsInterceptor {
  async execute(input: ActivityExecuteInput, next: Next<ActivityInboundCallsInterceptor, 'execute'>): Promise<unknown> {
    try {
      return await next(input);
    } catch (error) {
      throw asFailure(error);
    }
  }
}
