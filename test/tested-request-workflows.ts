import type { AssociateInput, AssociateResult } from '../contract';
import { associateStage } from '../workflows/associate-stage';
import type { EarlierTest } from '../workflows/associate-stage';
import { ProgressRecorder } from '../workflows/progress-recorder';

/** What an onboarding does after its submission, and nothing else. */
export function associatesTested(input: AssociateInput, earlier: EarlierTest): Promise<AssociateResult> {
  const progress = new ProgressRecorder('model', String(input.benchmark), ['associate']);
  return progress.during('associate', (stage) => associateStage(input, stage, earlier));
}
