import type { WorkflowExecutionDescription } from '@temporalio/client';
import { pendingSteps } from './read-progress';

function failing(type: string): WorkflowExecutionDescription {
  const lastFailure = { message: 'said so', applicationFailureInfo: { type } };
  return { raw: { pendingActivities: [{ activityId: 'committee', attempt: 9, lastFailure }] } } as never;
}

it("tells why the last attempt failed, and does not take the committee's silence for a failure", () => {
  expect(pendingSteps(failing('NeedsAttention')).get('committee')).toEqual({ attempt: 9, lastFailure: 'said so' });
  expect(pendingSteps(failing('Undecided')).get('committee')).toEqual({ attempt: 9 });
});
