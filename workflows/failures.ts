import { ApplicationFailure } from '@temporalio/workflow';
import { MedperfError } from '../contract';

/** Runs a check of the contract; what it refuses fails the workflow instead of its task. */
export function rejectAsFailure<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (error instanceof MedperfError) throw ApplicationFailure.nonRetryable(error.message, error.type, error.facts);
    throw error;
  }
}
