import { ActivityFailure, ApplicationFailure, CancelledFailure, RetryState } from '@temporalio/common';
import { WorkflowFailedError } from '@temporalio/client';
import { MedperfError } from '../contract';
import type { FailureFacts } from '../contract';
import { foreseenFailure, renderFailure } from './failures';
import { TemporalUnavailable } from './temporal-unavailable';
import { WrongUse } from './wrong-use';

const FACTS: FailureFacts = { what: 'The name is taken.', found: 'another cube', next: 'choose another name.' };

describe('foreseenFailure', () => {
  it("finds the activity's typed failure inside the workflow's", () => {
    const cause = ApplicationFailure.nonRetryable('words', 'RegistryRejected', FACTS);
    const activity = new ActivityFailure('failed', 'medperf.x', 'x', RetryState.NON_RETRYABLE_FAILURE, 'me', cause);
    const error = new WorkflowFailedError('failed', activity, RetryState.NON_RETRYABLE_FAILURE);
    expect(foreseenFailure(error)).toEqual({ type: 'RegistryRejected', facts: FACTS, exitCode: 3 });
  });

  it.each([
    ['an error of our libraries', new MedperfError('EngineUnavailable', FACTS), 'EngineUnavailable', 5],
    ['wrong use', new WrongUse(FACTS), 'WrongUse', 2],
    [
      'a cancelled run',
      new WorkflowFailedError('x', new CancelledFailure('x'), RetryState.NON_RETRYABLE_FAILURE),
      'Cancelled',
      1,
    ],
    ['an unreachable Temporal', new TemporalUnavailable('127.0.0.1:1', new Error('x')), 'TemporalUnavailable', 5],
  ])('knows %s', (_name, error, type, exitCode) => {
    expect(foreseenFailure(error)).toMatchObject({ type, exitCode });
  });

  it('leaves a defect to be shown as it is', () => {
    expect(foreseenFailure(new TypeError('x is not a function'))).toBeNull();
  });

  it('takes the words of a failure that has no facts', () => {
    expect(foreseenFailure(ApplicationFailure.nonRetryable('boom', 'Theirs'))?.facts.what).toBe('boom');
  });
});

describe('renderFailure', () => {
  it('shows each part on a line of its own, and nothing that is absent', () => {
    const facts: FailureFacts = {
      ...FACTS,
      findings: [{ severity: 'error', file: 'mlcube.yaml', line: 3, message: 'no tasks', fix: 'add them' }],
      log: ['Traceback', 'ValueError'],
    };
    expect(renderFailure({ facts }).split('\n')).toEqual([
      'error: The name is taken.',
      '  found: another cube',
      '  mlcube.yaml:3: error: no tasks (add them)',
      "  last lines of the container's log:",
      '  | Traceback',
      '  | ValueError',
      '  next: choose another name.',
    ]);
  });
});
