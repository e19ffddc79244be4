import type { ApproveInput, ApproveResult } from '../contract';
import { PairTests } from './pair-tests';
import type { StageRecorder } from './progress-recorder';
import { registryCalls } from './proxies';

/** Approves a pending request when the model passes its test here, and nothing has changed since that test. */
export async function approveStage(input: ApproveInput, stage: StageRecorder): Promise<ApproveResult> {
  const { benchmark, modelUid, ...options } = input;
  const pair = { profile: input.profile, benchmark, modelUid };
  const standing = await stage.step('check-request', 'look the request up', () =>
    registryCalls['medperf.checkRequest'].executeWithOptions({ activityId: 'check-request' }, [pair]),
  );
  if (standing.current === 'approved') return { benchmark, modelUid, decision: 'APPROVED', test: null };
  const tests = new PairTests({ ...options, benchmark, model: { kind: 'model', uid: modelUid } }, stage);
  for (let { subject } = standing; ;) {
    const tested = { ...pair, subject };
    const test = await tests.of(subject);
    const { changedTo } = await stage.step('approve', `approve ${standing.modelName}`, () =>
      registryCalls['medperf.approveAssociation'].executeWithOptions(
        // Whether it is approved is only known when an attempt under way has ended.
        { activityId: 'approve', cancellationType: 'WAIT_CANCELLATION_COMPLETED' },
        [tested],
      ),
    );
    if (changedTo === null) return { benchmark, modelUid, decision: 'APPROVED', test };
    subject = changedTo;
  }
}
