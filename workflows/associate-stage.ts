import {
  CancellationScope,
  CancelledFailure,
  condition,
  defineUpdate,
  isCancellation,
  setHandler,
} from '@temporalio/workflow';
import type {
  AssociateInput,
  AssociateResult,
  AssociationStanding,
  CheckAssociationInput,
  Confirmation,
  Decision,
  PairInput,
  RegisteredCube,
  TestRunResult,
} from '../contract';
import { canonicalJson, COMMITTEE_STEP } from '../contract';
import { committeePolls, registryCalls } from './proxies';
import type { StageRecorder } from './progress-recorder';
import { testRunStage } from './test-run-stage';

/** Answers the wait for confirmation; refused while nothing waits for it. */
export const confirmUpdate = defineUpdate<Confirmation, [Confirmation]>('confirm');

/** Requests the association after a test and a person's confirmation, and waits for the committee's decision. */
export async function associateStage(
  input: AssociateInput,
  stage: StageRecorder,
  tested?: { readonly test: TestRunResult; readonly registered: RegisteredCube },
): Promise<AssociateResult> {
  const pair: PairInput = { profile: input.profile, benchmark: input.benchmark, modelUid: input.modelUid };
  const confirmation = new ConfirmationDesk(input.confirmed ?? false);
  const standing = await checkStanding({ ...pair, model: { uid: input.modelUid }, again: input.again ?? false }, stage);
  const result = { benchmark: input.benchmark, modelUid: input.modelUid };
  if (standing.current === 'approved') return { ...result, decision: 'APPROVED', test: null };
  if (standing.current === 'rejected') return { ...result, decision: 'REJECTED', test: null };
  if (standing.current === 'pending') {
    const decision = await withdrawingWhenCancelled(pair, stage, () => awaitCommittee(pair, standing, stage));
    return { ...result, decision, test: null };
  }

  const test =
    tested !== undefined && isUnchanged(tested.test, tested.registered, standing)
      ? tested.test
      : await testRunStage({ ...testArguments(input), model: { kind: 'model', uid: input.modelUid } }, stage);
  if (!(await confirmation.ask(standing, stage))) return { ...result, decision: 'DECLINED', test };
  return { ...result, decision: await requestAndAwait(pair, input.again ?? false, standing, test, stage), test };
}

/** What the registry would refuse is found out here, before an expensive test. */
export function checkStanding(input: CheckAssociationInput, stage: StageRecorder): Promise<AssociationStanding> {
  return stage.step('check-association', 'check that the registry would accept the request', () =>
    registryCalls['medperf.checkAssociation'].executeWithOptions({ activityId: 'check-association' }, [input]),
  );
}

/** True when what is registered now is, byte for byte, what was tested, against the same benchmark. */
function isUnchanged(test: TestRunResult, registered: RegisteredCube, standing: AssociationStanding): boolean {
  const { tree, imageId, benchmark } = test.tested;
  return (
    tree === registered.tree &&
    imageId === registered.imageId &&
    canonicalJson(benchmark) === canonicalJson(standing.benchmark)
  );
}

function testArguments(input: AssociateInput): Omit<AssociateInput, 'modelUid' | 'confirmed' | 'again'> {
  const { modelUid: _model, confirmed: _confirmed, again: _again, ...test } = input;
  return test;
}

async function requestAndAwait(
  pair: PairInput,
  again: boolean,
  standing: AssociationStanding,
  test: TestRunResult,
  stage: StageRecorder,
): Promise<Decision> {
  return withdrawingWhenCancelled(pair, stage, async () => {
    await stage.step('request', `request the association with ${standing.benchmark.name}`, () =>
      registryCalls['medperf.requestAssociation'].executeWithOptions(
        // What may be withdrawn is only known when an attempt under way has ended.
        { activityId: 'request', cancellationType: 'WAIT_CANCELLATION_COMPLETED' },
        [{ ...pair, again, results: test.candidate.results }],
      ),
    );
    return awaitCommittee(pair, standing, stage);
  });
}

async function awaitCommittee(pair: PairInput, standing: AssociationStanding, stage: StageRecorder): Promise<Decision> {
  const need = {
    what: 'committee-decision',
    from: 'the benchmark committee',
    message: `${standing.modelName} asks to be associated with ${standing.benchmark.name}`,
  } as const;
  const { decision } = await stage.needing(need, () =>
    stage.step(COMMITTEE_STEP, "wait for the committee's decision", () =>
      committeePolls['medperf.pollAssociation'].executeWithOptions({ activityId: COMMITTEE_STEP }, [pair]),
    ),
  );
  return decision;
}

/** Cancelled from the request on, it takes back what was or may have been requested. */
async function withdrawingWhenCancelled<T>(pair: PairInput, stage: StageRecorder, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!CancellationScope.current().consideredCancelled) throw error;
    await withdraw(pair, stage);
    // An attempt that ends badly after the cancellation is reported as a failure.
    throw isCancellation(error) ? error : new CancelledFailure('cancelled while the request was sent');
  }
}

function withdraw(pair: PairInput, stage: StageRecorder): Promise<void> {
  return CancellationScope.nonCancellable(() =>
    stage.step('withdraw', 'withdraw the request', () =>
      registryCalls['medperf.withdrawAssociation'].executeWithOptions({ activityId: 'withdraw' }, [pair]),
    ),
  );
}

/** Waits for a person's word on sending the request; `-y` gives it at the start. */
class ConfirmationDesk {
  private open = false;
  private given: Confirmation | null = null;

  constructor(private readonly confirmedAtStart: boolean) {
    setHandler(
      confirmUpdate,
      (confirmation) => {
        this.given = confirmation;
        return confirmation;
      },
      { validator: (_confirmation) => this.refuseUnlessAsked() },
    );
  }

  private refuseUnlessAsked(): void {
    if (this.given !== null) throw new Error(`already answered by ${this.given.by}`);
    if (!this.open) throw new Error('nothing waits for a confirmation now: the test has not ended, or -y was given');
  }

  async ask(standing: AssociationStanding, stage: StageRecorder): Promise<boolean> {
    if (this.confirmedAtStart) return true;
    const need = {
      what: 'confirmation',
      from: 'the model owner',
      message: `confirm sending the test's results of ${standing.modelName} to ${standing.benchmark.name}`,
    } as const;
    return stage.needing(need, async () => {
      this.open = true;
      await condition(() => this.given !== null);
      return this.given?.send ?? false;
    });
  }
}
