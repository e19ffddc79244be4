import type {
  ApproveInput,
  ApproveResult,
  AssociateInput,
  AssociateResult,
  CubeRef,
  HostedCube,
  HostingCheck,
  HostingCheckInput,
  HostInput,
  OnboardInput,
  OnboardResult,
  Outcome,
  PackagedCube,
  PackageInput,
  RegisteredCube,
  SubmitInput,
  TestRunInput,
  TestRunResult,
} from '../contract';
import { HOSTING_CHECK } from '../contract';
import { approveStage } from './approve-stage';
import { associateStage, checkStanding } from './associate-stage';
import { ending } from './ending';
import { ProgressRecorder } from './progress-recorder';
import { hostingCheckStage, hostStage, packageStage, submitStage } from './publishing-stages';
import { testRunStage } from './test-run-stage';

/** Tests a model's compatibility with a benchmark. */
export function medperfTestRun(input: TestRunInput): Promise<TestRunResult> {
  const progress = new ProgressRecorder(modelName(input.model), benchmarkName(input.benchmark), ['test']);
  return ending(progress, 'passed', () => progress.during('test', (stage) => testRunStage(input, stage)));
}

/** Prepares the files of a cube that need to be hosted. */
export function medperfPackage(input: PackageInput): Promise<PackagedCube> {
  const progress = new ProgressRecorder(input.cube.label, null, ['package']);
  return ending(progress, 'packaged', () => progress.during('package', (stage) => packageStage(input, stage)));
}

/** Publishes a packaged cube's files. */
export function medperfHost(input: HostInput): Promise<HostedCube> {
  const progress = new ProgressRecorder(input.name, null, ['host']);
  return ending(progress, 'hosted', () => progress.during('host', (stage) => hostStage(input, stage)));
}

/** Checks how URLs are hosted. */
export function medperfCheckHosting(input: HostingCheckInput): Promise<readonly HostingCheck[]> {
  const progress = new ProgressRecorder(HOSTING_CHECK, null, ['host']);
  return ending(progress, 'checked', () => progress.during('host', (stage) => hostingCheckStage(input, stage)));
}

/** Registers a hosted cube. */
export function medperfSubmit(input: SubmitInput): Promise<RegisteredCube> {
  const progress = new ProgressRecorder(input.name, null, ['submit']);
  return ending(progress, 'registered', () => progress.during('submit', (stage) => submitStage(input, stage)));
}

/** Requests that a registered model takes part in a benchmark, and waits for the decision. */
export function medperfAssociate(input: AssociateInput): Promise<AssociateResult> {
  const progress = new ProgressRecorder(`model ${input.modelUid}`, benchmarkName(input.benchmark), ['associate']);
  return ending(progress, associationOutcome, () =>
    progress.during('associate', (stage) => associateStage(input, stage)),
  );
}

/** Approves a pending request for a committee, after testing its model. */
export function medperfApprove(input: ApproveInput): Promise<ApproveResult> {
  const progress = new ProgressRecorder(`model ${input.modelUid}`, benchmarkName(input.benchmark), ['approve']);
  return ending(progress, 'approved', () => progress.during('approve', (stage) => approveStage(input, stage)));
}

/** The tutorial from its first step to its last: test → package → host → submit → associate. */
export function medperfOnboard(input: OnboardInput): Promise<OnboardResult> {
  const { profile, cube, name, benchmark } = input;
  const progress = new ProgressRecorder(name, benchmarkName(benchmark), [
    'test',
    'package',
    'host',
    'submit',
    'associate',
  ]);
  return ending(
    progress,
    ({ association }) => associationOutcome(association),
    async () => {
      const { noCache, noReference, gpus, confirmed, again, withImage, approvalDeadlineMs, remindAfterMs } = input;
      const testing = { profile, benchmark, ...given({ noCache, noReference, gpus }) };

      const { standing, test } = await progress.during('test', async (stage) => ({
        standing: await checkStanding({ profile, benchmark, model: { name }, again: again ?? false }, stage),
        test: await testRunStage({ ...testing, model: cube }, stage),
      }));
      const packaged = await progress.during('package', (stage) =>
        packageStage({ cube, type: 'model', format: standing.benchmark.format }, stage),
      );
      const hosted = await progress.during('host', (stage) =>
        hostStage({ packaged, name, ...given({ withImage }) }, stage),
      );
      const registered = await progress.during('submit', (stage) =>
        submitStage({ profile, name, files: hosted.files, operational: true }, stage),
      );
      const request = {
        profile,
        benchmark,
        modelUid: registered.uid,
        ...given({ noReference, gpus, confirmed, again, approvalDeadlineMs, remindAfterMs }),
      };
      const association = await progress.during('associate', (stage) =>
        associateStage(request, stage, { test, registered, subject: standing.subject }),
      );
      return { test, packaged, hosted, registered, association };
    },
  );
}

function associationOutcome({ decision }: AssociateResult): Outcome {
  return ({ APPROVED: 'approved', REJECTED: 'rejected', DECLINED: 'declined', EXPIRED: 'expired' } as const)[decision];
}

function modelName(model: CubeRef | undefined): string {
  if (model === undefined) return 'the reference model';
  return model.kind === 'local' ? model.label : `${model.kind} ${model.uid}`;
}

function benchmarkName(uid: number | undefined): string | null {
  return uid === undefined ? null : String(uid);
}

/** Leaves out what is undefined, so that a payload says only what was asked for. */
function given<T extends object>(options: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}
