import { CancellationScope, defineSignal, isCancellation, setHandler } from '@temporalio/workflow';
import type { BenchmarkBaseInput, BenchmarkBaseResult, IdentifiedCube } from '../contract';
import { ending } from './ending';
import { HeldCube } from './held-cube';
import { HostDesk } from './host-claims';
import { ProgressRecorder } from './progress-recorder';
import type { StageRecorder } from './progress-recorder';
import { TestSteps } from './test-steps';

export const joinSignal = defineSignal<[string]>('join');
export const leaveSignal = defineSignal<[string]>('leave');

/**
 * What the tests of several models share: preparing a benchmark's data, or running its reference model. Runs once however
 * many wait for it, and ends early, without a result, when all who waited have left.
 */
export async function medperfBenchmarkBase(input: BenchmarkBaseInput): Promise<BenchmarkBaseResult | null> {
  const what = input.part === 'prepared-data' ? nameOf(input.dataPreparator) : nameOf(input.reference);
  const benchmark = input.benchmark === null ? null : String(input.benchmark);
  const progress = new ProgressRecorder(what, benchmark, ['test']);
  const scope = new CancellationScope();
  const askers = new Askers(() => scope.cancel());
  try {
    return await ending(progress, input.part === 'prepared-data' ? 'prepared' : 'evaluated', () =>
      scope.run(() => progress.during('test', (stage) => baseStage(input, stage, progress))),
    );
  } catch (error) {
    if (askers.allLeft && isCancellation(error)) return null;
    throw error;
  }
}

async function baseStage(
  input: BenchmarkBaseInput,
  stage: StageRecorder,
  progress: ProgressRecorder,
): Promise<BenchmarkBaseResult> {
  const held = (role: string, cube: IdentifiedCube): HeldCube => new HeldCube(role, cube, input.offline, stage);
  const gpus = input.part === 'reference-run' ? input.gpus : 0;
  const steps = new TestSteps(new HostDesk(gpus, stage), input, new Set(), stage);
  const result = async (): Promise<Pick<BenchmarkBaseResult, 'dataPreparator' | 'prepared' | 'reference'>> => {
    if (input.part === 'reference-run') {
      const [reference, evaluator] = [held('reference', input.reference), held('evaluator', input.evaluator)];
      const evaluated = await steps.evaluate('reference', reference, evaluator, input.data);
      return { dataPreparator: null, prepared: null, reference: evaluated };
    }
    const preparator = held('data-preparator', input.dataPreparator);
    const prepared = await steps.prepare(preparator, input.data, input.prepared);
    return { dataPreparator: await preparator.cube(), prepared, reference: null };
  };
  return { ...(await result()), runs: steps.runs, steps: progress.snapshot().stages.flatMap((shown) => shown.steps) };
}

function nameOf({ ref }: IdentifiedCube): string {
  return ref.kind === 'local' ? ref.label : ref.name;
}

/** Who waits for the result. */
class Askers {
  private readonly waiting = new Set<string>();
  private left = false;

  constructor(whenAllLeft: () => void) {
    setHandler(joinSignal, (asker) => {
      this.waiting.add(asker);
    });
    setHandler(leaveSignal, (asker) => {
      this.waiting.delete(asker);
      if (this.waiting.size > 0) return;
      this.left = true;
      whenAllLeft();
    });
  }

  get allLeft(): boolean {
    return this.left;
  }
}
