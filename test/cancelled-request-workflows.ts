import type { AssociateInput, AssociateResult, RegisteredCube, TestRunResult } from '../contract';
import { associateStage } from '../workflows/associate-stage';
import { ProgressRecorder } from '../workflows/progress-recorder';

/** What an onboarding does after its submission, and nothing else. */
export function associatesTested(
  input: AssociateInput,
  test: TestRunResult,
  registered: RegisteredCube,
): Promise<AssociateResult> {
  const progress = new ProgressRecorder('model', String(input.benchmark), ['associate']);
  return progress.during('associate', (stage) => associateStage(input, stage, { test, registered }));
}
