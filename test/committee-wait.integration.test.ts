import type { WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { Reminder } from '../contract';
import { eventually } from './medperf-stack';
import { needsOf, ScriptedAssociation, SUBJECT, WITHDRAWN } from './scripted-association';

const LONG = '1 hour';
const OTHER = `sha256:${'b'.repeat(64)}` as const;

describe('the wait for a committee', () => {
  let association: ScriptedAssociation;

  beforeAll(async () => {
    association = await ScriptedAssociation.start();
  });
  afterEach(() => {
    association.script = {};
  });
  afterAll(() => association.stop());

  function undecidedForLong(): Promise<never> {
    return Promise.reject(ApplicationFailure.create({ message: 'none yet', type: 'Undecided', nextRetryDelay: LONG }));
  }

  async function waits(handle: WorkflowHandle): Promise<void> {
    await eventually(
      async () => (await handle.describe()).raw.pendingActivities ?? [],
      (pending) => pending.some(({ activityId, lastFailure }) => activityId === 'committee' && lastFailure),
    );
  }

  it('withdraws the request at its deadline', async () => {
    const withdrawn: number[] = [];
    association.script = {
      'medperf.pollAssociation': undecidedForLong,
      'medperf.withdrawAssociation': ({ modelUid }) => {
        withdrawn.push(modelUid);
        return Promise.resolve(WITHDRAWN);
      },
    };
    const handle = await association.associate({ approvalDeadlineMs: 2_000 });
    await waits(handle);
    const [need] = await needsOf(handle);
    expect(Date.parse(need?.until ?? '') - Date.parse(need?.since ?? '')).toBeLessThanOrEqual(2_000);
    expect(await handle.result()).toMatchObject({ decision: 'EXPIRED', benchmark: 1, modelUid: 4 });
    expect(withdrawn).toEqual([4]);
  });

  it('withdraws the request at its deadline too while it is tested again', async () => {
    const withdrawn: number[] = [];
    association.script = {
      'medperf.pollAssociation': () =>
        Promise.resolve({ decision: null, changedTo: { benchmark: OTHER, model: OTHER } }),
      'medperf.withdrawAssociation': ({ modelUid }) => {
        withdrawn.push(modelUid);
        return Promise.resolve(WITHDRAWN);
      },
    };
    const handle = await association.associate({ approvalDeadlineMs: 2_000 });
    await eventually(
      async () => (await handle.describe()).raw.pendingActivities ?? [],
      (pending) => pending.some(({ activityId, lastFailure }) => activityId === 'benchmark' && lastFailure),
    );
    expect(await handle.result()).toMatchObject({ decision: 'EXPIRED' });
    expect(withdrawn).toEqual([4]);
  });

  it('is at its deadline too while it sends other results, and takes its own withdrawal for no decision', async () => {
    const known: (string | null)[] = [];
    let requests = 0;
    association.script = {
      'medperf.requestAssociation': () => {
        requests += 1;
        return requests === 1
          ? Promise.resolve({ changedTo: null, carriesResults: false })
          : Promise.reject(ApplicationFailure.retryable('no answer', 'RegistryUnavailable'));
      },
      'medperf.pollAssociation': () => Promise.resolve({ decision: null, changedTo: SUBJECT }),
      'medperf.withdrawAssociation': ({ over }) => {
        known.push(over);
        return Promise.resolve(WITHDRAWN);
      },
    };
    const handle = await association.associate({ approvalDeadlineMs: 2_000 });
    expect(await handle.result()).toMatchObject({ decision: 'EXPIRED' });
    expect(requests).toBeGreaterThan(1);
    expect(known).toEqual([null, WITHDRAWN.over]);
  });

  it('ends with the decision that comes before the withdrawal', async () => {
    association.script = {
      'medperf.pollAssociation': undecidedForLong,
      'medperf.withdrawAssociation': () => Promise.resolve({ decision: 'APPROVED', over: null }),
    };
    const handle = await association.associate({ approvalDeadlineMs: 100 });
    expect(await handle.result()).toMatchObject({ decision: 'APPROVED' });
  });

  it('looks at once when it is told to, and again when it is told again', async () => {
    let looks = 0;
    association.script = {
      'medperf.pollAssociation': () => {
        looks += 1;
        return looks < 3 ? undecidedForLong() : Promise.resolve({ decision: 'REJECTED' });
      },
    };
    const handle = await association.associate();
    for (const seen of [1, 2]) {
      await eventually(
        () => Promise.resolve(looks),
        (count) => count === seen,
      );
      await waits(handle);
      await handle.signal('look');
    }
    expect(await handle.result()).toMatchObject({ decision: 'REJECTED' });
    expect(looks).toBe(3);
  });

  it('goes on when it is told to look while a look is under way that finds nothing', async () => {
    let looks = 0;
    let letGo = (): void => undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    association.script = {
      'medperf.pollAssociation': async () => {
        looks += 1;
        if (looks > 1) return { decision: 'APPROVED' };
        await held;
        throw ApplicationFailure.retryable('none yet', 'Undecided');
      },
    };
    const handle = await association.associate();
    await eventually(
      () => Promise.resolve(looks),
      (count) => count === 1,
    );
    await handle.signal('look');
    await eventually(
      async () => (await handle.fetchHistory()).events ?? [],
      (events) => events.some((event) => event.activityTaskCancelRequestedEventAttributes),
    );
    letGo();
    expect(await handle.result()).toMatchObject({ decision: 'APPROVED' });
    expect(looks).toBe(2);
  });

  it('reminds after growing waits, and goes on where a reminder is not taken', async () => {
    const reminders: Reminder[] = [];
    association.script = {
      'medperf.pollAssociation': undecidedForLong,
      'medperf.remind': (reminder) => {
        reminders.push(reminder);
        return reminder.count === 2
          ? Promise.reject(ApplicationFailure.nonRetryable('not taken'))
          : Promise.resolve({ sent: true });
      },
    };
    const handle = await association.associate({ remindAfterMs: 200 });
    const seen = async (count: number): Promise<boolean | undefined> => {
      const [need] = await eventually(
        () => needsOf(handle),
        ([open]) => open?.reminders?.count === count,
      );
      return need?.reminders?.sent;
    };
    expect(await seen(2)).toBe(false);
    expect(await seen(3)).toBe(true);
    expect(reminders[0]).toMatchObject({
      what: 'committee-decision',
      from: 'the benchmark committee',
      message: 'model asks to be associated with chestxray',
      benchmark: 1,
      modelUid: 4,
    });
    expect(reminders.map(({ count }) => count)).toEqual([1, 2, 3]);
    const timers = (await handle.fetchHistory()).events?.flatMap(
      ({ timerStartedEventAttributes: timer }) => timer ?? [],
    );
    const waited = timers?.map(
      ({ startToFireTimeout }) => Number(startToFireTimeout?.seconds) * 1000 + (startToFireTimeout?.nanos ?? 0) / 1e6,
    );
    expect(waited).toEqual([200, 400, 800, 1600]);
    await handle.cancel();
    await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
  });

  it('reminds of a confirmation too', async () => {
    const reminders: Reminder[] = [];
    association.script = {
      'medperf.remind': (reminder) => {
        reminders.push(reminder);
        return Promise.resolve({ sent: false });
      },
      'medperf.pollAssociation': () => Promise.resolve({ decision: 'APPROVED' }),
    };
    const handle = await association.associate({ confirmed: false, remindAfterMs: 100 });
    await eventually(
      () => needsOf(handle),
      ([open]) => open?.reminders?.count === 1,
    );
    await handle.executeUpdate('confirm', { args: [{ send: true, by: 'owner' }] });
    expect(await handle.result()).toMatchObject({ decision: 'APPROVED' });
    expect(reminders[0]).toMatchObject({ what: 'confirmation', from: 'the model owner', count: 1 });
  });
});
