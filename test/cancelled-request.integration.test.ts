import type { WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { RequestResult } from '../contract';
import { eventually } from './medperf-stack';
import { MADE, ScriptedAssociation, SUBJECT, WITHDRAWN } from './scripted-association';

/** The pair's row as a registry would keep it, and what the test does while the request is sent. */
let row: 'none' | 'pending' | 'withdrawn';
let sending: () => Promise<void>;
/** Of the requests that are sent before that one. */
let sentBefore: RequestResult[];

describe('an association that is cancelled while it is requested', () => {
  let association: ScriptedAssociation;

  beforeAll(async () => {
    association = await ScriptedAssociation.start();
    association.script = {
      'medperf.requestAssociation': () => {
        const before = sentBefore.shift();
        return before === undefined ? sending().then(() => MADE) : Promise.resolve(before);
      },
      'medperf.pollAssociation': () => Promise.resolve({ decision: null, changedTo: SUBJECT }),
      'medperf.withdrawAssociation': () => {
        if (row === 'pending') row = 'withdrawn';
        return Promise.resolve(WITHDRAWN);
      },
    };
  });
  beforeEach(() => {
    row = 'none';
    sentBefore = [];
  });
  afterAll(() => association.stop());

  async function endsCancelled(handle: WorkflowHandle): Promise<void> {
    await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
  }

  /** The request is under way until it is let go; its cancellation is known to the server by then. */
  function heldRequest(end: () => Promise<void>): { begun: Promise<void>; letGo: () => void } {
    let letGo = (): void => undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    const begun = new Promise<void>((resolve) => {
      sending = async () => {
        resolve();
        await held;
        await end();
      };
    });
    return { begun, letGo };
  }

  async function cancelWhileSending(handle: WorkflowHandle): Promise<void> {
    await handle.cancel();
    await eventually(
      async () => (await handle.fetchHistory()).events ?? [],
      (events) => events.some((event) => event.activityTaskCancelRequestedEventAttributes),
    );
  }

  it('takes the request back that was made meanwhile', async () => {
    const { begun, letGo } = heldRequest(() => {
      row = 'pending';
      return Promise.resolve();
    });
    const handle = await association.associate();
    await begun;
    await cancelWhileSending(handle);
    letGo();
    await endsCancelled(handle);
    expect(row).toBe('withdrawn');
  });

  it('takes a second request back too, while a deadline runs', async () => {
    sentBefore = [{ changedTo: null, carriesResults: false }];
    const { begun, letGo } = heldRequest(() => {
      row = 'pending';
      return Promise.resolve();
    });
    const handle = await association.associate({ approvalDeadlineMs: 3_600_000 });
    await begun;
    await cancelWhileSending(handle);
    letGo();
    await endsCancelled(handle);
    expect(row).toBe('withdrawn');
  });

  it('takes it back too when the answer was lost', async () => {
    const { begun, letGo } = heldRequest(() => {
      row = 'pending';
      return Promise.reject(ApplicationFailure.retryable('no answer', 'RegistryUnavailable'));
    });
    const handle = await association.associate();
    await begun;
    await cancelWhileSending(handle);
    letGo();
    await endsCancelled(handle);
    expect(row).toBe('withdrawn');
  });

  it('takes it back after an attempt whose answer was lost before', async () => {
    sending = () => {
      row = 'pending';
      return Promise.reject(
        ApplicationFailure.create({ message: 'no answer', type: 'RegistryUnavailable', nextRetryDelay: '1 hour' }),
      );
    };
    const handle = await association.associate();
    await eventually(
      async () => (await handle.describe()).raw.pendingActivities ?? [],
      (pending) => pending.some(({ lastFailure }) => lastFailure),
    );
    await handle.cancel();
    await endsCancelled(handle);
    expect(row).toBe('withdrawn');
  });
});
