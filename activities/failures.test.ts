import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import type { ActivityExecuteInput } from '@temporalio/worker';
import { MedperfError } from '../contract';
import { FailureTypes } from './failures';
import { withoutHostPaths } from './host-paths';

const INPUT: ActivityExecuteInput = { args: [], headers: {} };

let logged: unknown[];
beforeEach(() => {
  logged = [];
});

async function thrownBy(error: unknown, activityType = 'medperf.publish', cancelled = false): Promise<unknown> {
  const logger = new DefaultLogger('ERROR', ({ meta }) => logged.push(meta?.['error']));
  const environment = new MockActivityEnvironment({ activityType }, { logger });
  if (cancelled) environment.cancel();
  const work = (): Promise<never> => {
    throw error;
  };
  return environment.run(() => new FailureTypes().execute(INPUT, work)).catch((thrown: unknown) => thrown);
}

describe('what an activity throws', () => {
  it('is typed without a stack when it was foreseen', async () => {
    const facts = { what: 'It is gone.', next: 'Wait.' };
    const failure = await thrownBy(new MedperfError('EngineUnavailable', facts));
    expect(failure).toMatchObject({ type: 'EngineUnavailable', details: [facts], nonRetryable: false, stack: '' });
  });

  it('says nothing of this host when nobody foresaw it', async () => {
    const cause = new Error('at /home/someone/secret');
    const error = new TypeError("ENOENT: no such file or directory, open '/home/someone/my data/x.yaml'", { cause });
    const failure = await thrownBy(error);
    expect(failure).toBeInstanceOf(ApplicationFailure);
    expect(failure).toMatchObject({
      type: 'TypeError',
      message: "ENOENT: no such file or directory, open '<host path>'",
      nonRetryable: false,
      cause: undefined,
      stack: '',
    });
    expect(logged).toEqual([error]);
    expect(await thrownBy('lost /var/lib/x')).toMatchObject({ message: 'lost <host path>' });
  });

  it("loses only its stack when it is Temporal's own, causes included", async () => {
    const inner = ApplicationFailure.retryable('inside', 'Inner');
    const failure = ApplicationFailure.create({ message: 'outside', type: 'HostLost', cause: inner });
    expect(await thrownBy(failure)).toBe(failure);
    expect([failure.stack, inner.stack]).toEqual(['', '']);
    const cancelled = new CancelledFailure('enough');
    expect(await thrownBy(cancelled)).toBe(cancelled);
  });

  it('stays a cancellation in other words', async () => {
    const aborted = Object.assign(new Error('aborted'), { name: 'AbortError' });
    expect(await thrownBy(aborted, 'medperf.publish', true)).toBe(aborted);
    expect(await thrownBy(aborted)).toMatchObject({ type: 'AbortError', stack: '' });
  });

  it("stays as it is in an adopter's own activity", async () => {
    const error = new Error('/srv/theirs');
    expect(await thrownBy(error, 'greet')).toBe(error);
  });
});

describe('paths of this host', () => {
  it.each([
    ['open /var/lib/docker/x: denied', 'open <host path>: denied'],
    ['PATH=/usr/bin:/bin', 'PATH=<host path>:<host path>'],
    ['at run (/opt/app/lib/a.js:10:5)', 'at run (<host path>:10:5)'],
    ['in "/Users/Some One/file"', 'in "<host path>"'],
    ['see file:///home/a/b.', 'see <host path>'],
    ["no C:\\Users\\a\\b and 'D:\\my data'", "no <host path> and '<host path>'"],
    ["rename '/a b' -> '/c d'", "rename '<host path>' -> '<host path>'"],
  ])('are left out of %j', (text, shown) => {
    expect(withoutHostPaths(text)).toBe(shown);
  });

  it.each([
    'https://h.example:8000/a/b?c=d was not found',
    "'https://h.example/a' gave 404",
    'workspace/parameters.yaml: 1/2 of ./x and ../y',
    'application/json, and/or n/a',
    'sha256:abc',
  ])('are not seen in %j', (text) => {
    expect(withoutHostPaths(text)).toBe(text);
  });
});
