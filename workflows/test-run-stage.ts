import { ApplicationFailure } from '@temporalio/workflow';
import { checkTestRunArguments, stepsToRepeat } from '../contract';
import type {
  BenchmarkBaseInput,
  BenchmarkFacts,
  Cube,
  CubeRef,
  DataAndLabels,
  DemoData,
  EvaluatedModel,
  Identified,
  IdentifiedCube,
  IdentifyInput,
  JoinedBase,
  TestedBytes,
  TestRunInput,
  TestRunResult,
  TestSettings,
  TestStep,
} from '../contract';
import { rejectAsFailure } from './failures';
import { HeldCube } from './held-cube';
import { HostDesk, sideBySide } from './host-claims';
import { byteMoving, registryCalls, sharing } from './proxies';
import type { StageRecorder } from './progress-recorder';
import { TestSteps } from './test-steps';

type Role = 'data-preparator' | 'evaluator' | 'model' | 'reference';

/** Everything the test needs, once the benchmark has filled what the user left open. */
interface TestPlan {
  readonly benchmark: BenchmarkFacts | null;
  readonly cubes: Readonly<Record<Exclude<Role, 'reference'>, CubeRef>> & { readonly reference?: CubeRef };
  readonly data: { readonly url: string; readonly hash: string } | DataAndLabels;
  readonly prepared: boolean;
}

/**
 * MedPerf's compatibility test: prepare → sanity check → statistics → infer → evaluate. What is known is taken without
 * fetching anything; what other tests need as well is done in runs that they share.
 */
export async function testRunStage(input: TestRunInput, stage: StageRecorder): Promise<TestRunResult> {
  const plan = await planTest(input, stage);
  const test = new ModelTest(plan, input, await identify(plan, input, stage), stage);
  const [{ prepared, dataPreparator }] = await sideBySide([() => test.prepare(), () => test.warmUp()]);
  const data = plan.prepared ? test.data : prepared;
  const [candidate, reference] = await sideBySide([
    () => test.evaluateModel(data),
    () => (plan.cubes.reference === undefined ? null : test.evaluateReference(data)),
  ]);
  const cubes = { dataPreparator, evaluator: await test.evaluator.cube() };
  const report = await stage.step('report', 'write the test report', () =>
    byteMoving['medperf.recordReport'].executeWithOptions({ activityId: 'report', summary: 'test report' }, [
      { ...demoDataset(plan), prepared, ...cubes, candidate, reference },
    ]),
  );
  return { ...report, tested: await test.testedBytes(), reused: test.allReused };
}

async function planTest(input: TestRunInput, stage: StageRecorder): Promise<TestPlan> {
  const source = rejectAsFailure(() => checkTestRunArguments(input));
  const benchmark = input.benchmark === undefined ? null : await resolveBenchmark(input.benchmark, input, stage);
  const model = input.model ?? registered('model', benchmark?.referenceModel);
  const reference = referenceBeside(model, benchmark, input);
  return {
    benchmark,
    cubes: {
      'data-preparator': input.dataPreparator ?? registered('cube', benchmark?.dataPreparator),
      evaluator: input.evaluator ?? registered('cube', benchmark?.evaluator),
      model,
      ...(reference === null ? {} : { reference }),
    },
    data: dataSource(source, input, benchmark),
    prepared:
      source === 'benchmark' ? (benchmark?.demoDatasetPrepared ?? false) : (input.skipDemoDataPreparation ?? false),
  };
}

export function resolveBenchmark(
  benchmark: number,
  input: Pick<TestRunInput, 'profile' | 'offline'>,
  stage: StageRecorder,
): Promise<BenchmarkFacts> {
  return stage.step('benchmark', `look up benchmark ${benchmark}`, () =>
    registryCalls['medperf.resolveBenchmark'].executeWithOptions(
      { activityId: 'benchmark', summary: `benchmark ${benchmark}` },
      [{ profile: input.profile, benchmark, offline: input.offline ?? false }],
    ),
  );
}

function registered(kind: 'cube' | 'model', uid: number | undefined): CubeRef {
  if (uid === undefined)
    throw ApplicationFailure.nonRetryable('a cube is missing and no benchmark names it', 'InvalidRequest');
  return { kind, uid };
}

/** The reference is compared unless left out, unknown, or the candidate itself. */
function referenceBeside(model: CubeRef, benchmark: BenchmarkFacts | null, input: TestRunInput): CubeRef | null {
  if (benchmark === null || input.noReference === true) return null;
  if (model.kind === 'model' && model.uid === benchmark.referenceModel) return null;
  return { kind: 'model', uid: benchmark.referenceModel };
}

function dataSource(
  source: ReturnType<typeof checkTestRunArguments>,
  input: TestRunInput,
  benchmark: BenchmarkFacts | null,
): TestPlan['data'] {
  if (source === 'raw' && input.rawData !== undefined && input.rawLabels !== undefined) {
    return { data: input.rawData, labels: input.rawLabels };
  }
  if (source === 'demo' && input.demoDatasetUrl !== undefined && input.demoDatasetHash !== undefined) {
    return { url: input.demoDatasetUrl, hash: input.demoDatasetHash };
  }
  if (benchmark === null) throw ApplicationFailure.nonRetryable('no data source is given', 'InvalidRequest');
  return { url: benchmark.demoDatasetUrl, hash: benchmark.demoDatasetHash };
}

function demoDataset(plan: TestPlan): { demoDatasetUrl: string; demoDatasetHash: string } {
  return 'url' in plan.data
    ? { demoDatasetUrl: plan.data.url, demoDatasetHash: plan.data.hash }
    : { demoDatasetUrl: '', demoDatasetHash: '' };
}

function identify(plan: TestPlan, input: TestRunInput, stage: StageRecorder): Promise<Identified> {
  return stage.step('identify', 'look up the cubes and what is known of them', () =>
    registryCalls['medperf.identify'].executeWithOptions({ activityId: 'identify', summary: 'cubes and demo data' }, [
      {
        profile: input.profile,
        format: plan.benchmark?.format ?? null,
        cubes: cubesInTest(plan),
        demoData: 'url' in plan.data ? { ...plan.data, offline: input.offline ?? false } : null,
        offline: input.offline ?? false,
      },
    ]),
  );
}

function cubesInTest({ cubes, prepared }: TestPlan): IdentifyInput['cubes'] {
  const { 'data-preparator': preparator, evaluator, model, reference } = cubes;
  return {
    'data-preparator': {
      ref: preparator,
      tasks: [...(prepared ? [] : ['prepare' as const]), 'sanity_check', 'statistics'],
    },
    evaluator: { ref: evaluator, tasks: ['evaluate'] },
    model: { ref: model, tasks: ['infer'] },
    ...(reference === undefined ? {} : { reference: { ref: reference, tasks: ['infer'] } }),
  };
}

/** The steps of one test, those that are shared among them. */
class ModelTest {
  readonly evaluator: HeldCube;
  readonly data: DemoData | DataAndLabels;
  private readonly model: HeldCube;
  private readonly settings: TestSettings;
  private readonly repeat: ReadonlySet<TestStep>;
  private readonly desk: HostDesk;
  private readonly steps: TestSteps;
  private readonly joined: JoinedBase[] = [];

  constructor(
    private readonly plan: TestPlan,
    input: TestRunInput,
    private readonly identified: Identified,
    private readonly stage: StageRecorder,
  ) {
    this.repeat = rejectAsFailure(() => stepsToRepeat(input.noCache));
    this.settings = {
      offline: input.offline ?? false,
      gpus: input.gpus ?? 0,
      benchmark: input.benchmark ?? null,
      scope: identified.scope,
    };
    this.desk = new HostDesk(this.settings.gpus, stage);
    this.steps = new TestSteps(this.desk, this.settings, this.repeat, stage);
    this.data = 'url' in plan.data ? { ...plan.data, known: identified.demoData } : plan.data;
    this.model = this.hold('model');
    this.evaluator = this.hold('evaluator');
  }

  get allReused(): boolean {
    return [this.steps, ...this.joined].every(({ runs }) => runs.every(({ result }) => result.reused));
  }

  /** Of a model that never ran no result can be known, so its image comes while the data is prepared. */
  warmUp(): Promise<unknown> | null {
    if (this.model.ranBefore && !this.repeat.has('infer-model')) return null;
    return this.desk.on((host) => sideBySide([() => this.model.ready(host), () => this.evaluator.ready(host)]));
  }

  async prepare(): Promise<{ prepared: DataAndLabels; dataPreparator: Cube }> {
    if (this.repeats('prepare', 'sanity-check', 'statistics')) {
      const preparator = this.hold('data-preparator');
      const prepared = await this.steps.prepare(preparator, this.data, this.plan.prepared);
      return { prepared, dataPreparator: await preparator.cube() };
    }
    const { prepared, dataPreparator } = await this.join('base-data', 'prepare and check the data', {
      ...this.settings,
      part: 'prepared-data',
      gpus: 0,
      dataPreparator: this.cubeOf('data-preparator'),
      data: this.data,
      prepared: this.plan.prepared,
    });
    if (prepared === null || dataPreparator === null) throw new TypeError('a shared run without its prepared data');
    return { prepared, dataPreparator };
  }

  evaluateModel(data: DemoData | DataAndLabels): Promise<EvaluatedModel> {
    return this.steps.evaluate('model', this.model, this.evaluator, data);
  }

  async evaluateReference(data: DemoData | DataAndLabels): Promise<EvaluatedModel> {
    if (this.repeats('infer-reference', 'evaluate-reference')) {
      return this.steps.evaluate('reference', this.hold('reference'), this.evaluator, data);
    }
    const { reference } = await this.join('base-reference', 'run the reference model', {
      ...this.settings,
      part: 'reference-run',
      reference: this.cubeOf('reference'),
      evaluator: this.cubeOf('evaluator'),
      data,
    });
    if (reference === null) throw new TypeError('a shared run without its reference');
    return reference;
  }

  async testedBytes(): Promise<TestedBytes> {
    return { tree: (await this.model.cube()).tree, imageId: await this.model.imageId(this.desk) };
  }

  private async join(activityId: string, name: string, input: BenchmarkBaseInput): Promise<JoinedBase> {
    const joined = await this.stage.step(
      activityId,
      `${name} (shared)`,
      () => sharing['medperf.joinBase'].executeWithOptions({ activityId, summary: name }, [input]),
      ({ runs, shared, steps }) => ({ reused: runs.every(({ result }) => result.reused), shared, steps }),
    );
    this.joined.push(joined);
    return joined;
  }

  /** What has to run again for this test alone is not shared. */
  private repeats(...steps: readonly TestStep[]): boolean {
    return steps.some((step) => this.repeat.has(step));
  }

  private hold(role: Role): HeldCube {
    return new HeldCube(role, this.cubeOf(role), this.settings.offline, this.stage);
  }

  private cubeOf(role: Role): IdentifiedCube {
    const cube = this.identified.cubes[role];
    if (cube === undefined) throw new TypeError(`the ${role} was not identified`);
    return cube;
  }
}
