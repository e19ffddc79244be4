import type {
  AssociateInput,
  AssociateResult,
  AssociationStanding,
  CheckAssociationInput,
  RegisteredCube,
  TestRunInput,
  TestRunResult,
  TestSubject,
} from '../contract';
import { AssociationRequest } from './association-request';
import { CommitteeDesk } from './committee-desk';
import { ConfirmationDesk } from './confirmation-desk';
import { PairTests } from './pair-tests';
import type { StageRecorder } from './progress-recorder';
import { registryCalls } from './proxies';

/** A test that was run before its model was registered. */
export interface EarlierTest {
  readonly test: TestRunResult;
  readonly registered: RegisteredCube;
  /** As it was before the test. */
  readonly subject: TestSubject;
}

/** A request that the committee has not decided, and its test where one was run. */
interface Open {
  readonly subject: TestSubject;
  readonly test: TestRunResult | null;
}

/** Requests the association after a test and a person's confirmation, and waits for the committee's decision. */
export async function associateStage(
  input: AssociateInput,
  stage: StageRecorder,
  earlier?: EarlierTest,
): Promise<AssociateResult> {
  const { profile, benchmark, modelUid, remindAfterMs } = input;
  const pair = { profile, benchmark, modelUid };
  const confirmation = new ConfirmationDesk(input.confirmed ?? false, pair, remindAfterMs);
  const committee = new CommitteeDesk(pair, input, stage);
  const standing = await checkStanding({ ...pair, model: { uid: modelUid }, again: input.again ?? false }, stage);
  const ended = (decision: AssociateResult['decision'], test: TestRunResult | null): AssociateResult => ({
    benchmark,
    modelUid,
    decision,
    test,
  });
  if (standing.current === 'approved') return ended('APPROVED', null);
  if (standing.current === 'rejected') return ended('REJECTED', null);

  const { modelName, benchmark: facts } = standing;
  const tests = new PairTests(testArguments(input), stage, stillHolding(earlier, standing));
  const request = new AssociationRequest(pair, standing, stage);

  const testAndSend = async (changed: TestSubject): Promise<Open | AssociateResult> => {
    for (let subject = changed; ;) {
      const test = await tests.of(subject);
      if (request.carries(test)) return { subject, test };
      const message = `confirm sending the test's results of ${modelName} to ${facts.name}`;
      if (!(await confirmation.ask(message, stage))) return ended('DECLINED', test);
      const sent = await request.send(test, subject);
      if (sent.decision !== null) return ended(sent.decision, test);
      if (sent.changedTo === null) return { subject, test };
      subject = sent.changedTo;
    }
  };

  return request.withdrawnUnlessDecided(async () => {
    let open: Open | AssociateResult = request.isSent
      ? { subject: standing.subject, test: null }
      : await testAndSend(standing.subject);
    while (!('decision' in open)) {
      const { subject, test }: Open = open;
      const next = await committee.inTime(async () => {
        const look = await committee.wait(`${modelName} asks to be associated with ${facts.name}`, subject);
        return look.decision === null ? testAndSend(look.changedTo) : ended(look.decision, test);
      });
      if (next === null) return ended('EXPIRED', test);
      open = next;
    }
    return open;
  });
}

/** What the registry would refuse is found out here, before an expensive test. */
export function checkStanding(input: CheckAssociationInput, stage: StageRecorder): Promise<AssociationStanding> {
  return stage.step('check-association', 'check that the registry would accept the request', () =>
    registryCalls['medperf.checkAssociation'].executeWithOptions({ activityId: 'check-association' }, [input]),
  );
}

/** The earlier test, when what is registered now is, byte for byte, what was tested, against the same benchmark. */
function stillHolding(
  earlier: EarlierTest | undefined,
  { subject }: AssociationStanding,
): { readonly subject: TestSubject; readonly test: TestRunResult } | null {
  if (earlier === undefined) return null;
  const { test, registered } = earlier;
  const { tree, imageId } = test.tested;
  const isUnchanged =
    tree === registered.tree && imageId === registered.imageId && subject.benchmark === earlier.subject.benchmark;
  return isUnchanged ? { subject, test } : null;
}

function testArguments(input: AssociateInput): TestRunInput {
  const { profile, benchmark, modelUid, noCache, noReference, gpus } = input;
  return {
    profile,
    benchmark,
    model: { kind: 'model', uid: modelUid },
    ...(noCache === undefined ? {} : { noCache }),
    ...(noReference === undefined ? {} : { noReference }),
    ...(gpus === undefined ? {} : { gpus }),
  };
}
