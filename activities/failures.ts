import { ApplicationFailure } from '@temporalio/activity';
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker';
import { ApplicationFailureCategory } from '@temporalio/common';
import { FAILURE_TYPES, MedperfError } from '../contract';

/** What our libraries foresee becomes a typed Temporal failure; everything else, cancellation too, stays as it is. */
export function asFailure(error: unknown): unknown {
  if (!(error instanceof MedperfError)) return error;
  const owner = FAILURE_TYPES[error.type];
  return ApplicationFailure.create({
    message: error.message,
    type: error.type,
    // The model's and the request's failures do not end by trying again.
    nonRetryable: owner === 'model' || owner === 'request',
    details: [error.facts],
    ...(owner === 'person' ? { category: ApplicationFailureCategory.BENIGN } : {}),
  });
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
