import type { WorkflowInterceptors } from '@temporalio/workflow';

/** Workflow interceptors for tests: a host that does not take a step is given up after a second. */
export function interceptors(): WorkflowInterceptors {
  return {
    outbound: [
      {
        scheduleActivity: (input, next) =>
          next({ ...input, options: { ...input.options, scheduleToStartTimeout: '1 second' } }),
      },
    ],
  };
}
