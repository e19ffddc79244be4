import { ApplicationFailure } from '@temporalio/workflow';
import { checkTestRunArguments } from '../contract';
import type {
  BenchmarkFacts,
  ClaimedHost,
  Cube,
  CubeRef,
  DataAndLabels,
  Digest,
  EvaluatedModel,
  RunTaskResult,
  Task,
  TestRunInput,
  TestRunResult,
} from '../contract';
import { obtainImage, onSomeHost, sideBySide } from './host-claims';
import type { ReadyCube } from './host-claims';
import { byteMoving, onHost, registryCalls } from './proxies';
import type { StageRecorder } from './progress-recorder';
import { rejectAsFailure } from './failures';

/** Everything the test needs, once the benchmark has filled what the user left open. */
interface TestPlan {
  readonly benchmark: BenchmarkFacts | null;
  readonly model: CubeRef;
  readonly dataPreparator: CubeRef;
  readonly evaluator: CubeRef;
  readonly reference: CubeRef | null;
  readonly data: { readonly url: string; readonly hash: string } | DataAndLabels;
  readonly prepared: boolean;
}

/** MedPerf's compatibility test: prepare → sanity check → statistics → infer → evaluate, on one host. */
export async function testRunStage(input: TestRunInput, stage: StageRecorder): Promise<TestRunResult> {
  const plan = await planTest(input, stage);
  const [data, dataPreparator, evaluator, model, reference] = await Promise.all([
    fetchData(plan, input, stage),
    fetchCube('data-preparator', plan.dataPreparator, input, stage),
    fetchCube('evaluator', plan.evaluator, input, stage),
    fetchCube('model', plan.model, input, stage),
    plan.reference === null ? null : fetchCube('reference', plan.reference, input, stage),
  ]);

  return onSomeHost(input.gpus ?? 0, stage, async (host) => {
    const test = new HostedTest(host, input, stage);
    const [preparator, metrics, candidateModel, referenceModel] = await sideBySide([
      () => test.obtain('data-preparator', dataPreparator),
      () => test.obtain('evaluator', evaluator),
      () => test.obtain('model', model),
      () => (reference === null ? null : test.obtain('reference', reference)),
    ]);
    const prepared = await test.prepare(preparator, data, plan.prepared);
    const [candidate, compared] = await sideBySide([
      () => test.evaluate('model', candidateModel, metrics, prepared),
      () => (referenceModel === null ? null : test.evaluate('reference', referenceModel, metrics, prepared)),
    ]);
    const report = await stage.step('report', 'write the test report', () =>
      byteMoving['medperf.recordReport'].executeWithOptions({ activityId: 'report', summary: 'test report' }, [
        { ...demoDataset(plan), prepared, dataPreparator, evaluator, candidate, reference: compared },
      ]),
    );
    const tested = { tree: model.tree, imageId: candidateModel.imageId, benchmark: plan.benchmark };
    return { ...report, tested, reused: test.allReused };
  });
}

async function planTest(input: TestRunInput, stage: StageRecorder): Promise<TestPlan> {
  const source = rejectAsFailure(() => checkTestRunArguments(input));
  const benchmark = input.benchmark === undefined ? null : await resolveBenchmark(input.benchmark, input, stage);
  const model = input.model ?? registered(benchmark?.referenceModel);
  return {
    benchmark,
    model,
    dataPreparator: input.dataPreparator ?? registered(benchmark?.dataPreparator),
    evaluator: input.evaluator ?? registered(benchmark?.evaluator),
    reference: referenceBeside(model, benchmark, input),
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

function registered(uid: number | undefined): CubeRef {
  if (uid === undefined)
    throw ApplicationFailure.nonRetryable('a cube is missing and no benchmark names it', 'InvalidRequest');
  return { kind: 'registered', uid };
}

/** The reference is compared unless left out, unknown, or the candidate itself. */
function referenceBeside(model: CubeRef, benchmark: BenchmarkFacts | null, input: TestRunInput): CubeRef | null {
  if (benchmark === null || input.noReference === true) return null;
  if (model.kind === 'registered' && model.uid === benchmark.referenceModel) return null;
  return { kind: 'registered', uid: benchmark.referenceModel };
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

async function fetchData(plan: TestPlan, input: TestRunInput, stage: StageRecorder): Promise<DataAndLabels> {
  const source = plan.data;
  if (!('url' in source)) return source;
  return stage.step('demo-data', 'fetch and unpack the demo data', () =>
    byteMoving['medperf.fetchDemoData'].executeWithOptions({ activityId: 'demo-data', summary: 'demo data' }, [
      { url: source.url, hash: source.hash, offline: input.offline ?? false },
    ]),
  );
}

function fetchCube(role: string, cube: CubeRef, input: TestRunInput, stage: StageRecorder): Promise<Cube> {
  const activityId = `fetch-${role}`;
  const name = cube.kind === 'registered' ? `cube ${cube.uid}` : cube.label;
  return stage.step(activityId, `fetch and check the ${role}, ${name}`, () =>
    byteMoving['medperf.fetchCube'].executeWithOptions({ activityId, summary: `${role}: ${name}` }, [
      { profile: input.profile, cube, offline: input.offline ?? false },
    ]),
  );
}

/** The steps of one test on one host. */
class HostedTest {
  allReused = true;
  private readonly activities;

  constructor(
    private readonly host: ClaimedHost,
    private readonly input: TestRunInput,
    private readonly stage: StageRecorder,
  ) {
    this.activities = onHost(host);
  }

  async prepare(preparator: ReadyCube, raw: DataAndLabels, prepared: boolean): Promise<DataAndLabels> {
    const inputs = { data_path: raw.data, labels_path: raw.labels };
    let ready = raw;
    let report: Digest | undefined;
    if (!prepared) {
      const { outputs } = await this.run('prepare', preparator, 'prepare', inputs);
      const data = outputs['output_path'];
      if (data === undefined) throw ApplicationFailure.nonRetryable('prepare has no output_path', 'IncompatibleModel');
      // E23's cubes without output_labels_path keep the labels with the data.
      ready = { data, labels: outputs['output_labels_path'] ?? data };
      report = outputs['report_file'];
    }
    const checked = { data_path: ready.data, labels_path: ready.labels };
    const withReport = report === undefined ? checked : { ...checked, report_file: report };
    await this.run('sanity-check', preparator, 'sanity_check', withReport);
    await this.run('statistics', preparator, 'statistics', checked);
    return ready;
  }

  async evaluate(
    role: 'model' | 'reference',
    model: ReadyCube,
    metrics: ReadyCube,
    data: DataAndLabels,
  ): Promise<EvaluatedModel> {
    const gpus = this.input.gpus ?? 0;
    const inferred = await this.run(`infer-${role}`, model, 'infer', { data_path: data.data }, gpus);
    const predictions = inferred.outputs['output_path'];
    if (predictions === undefined)
      throw ApplicationFailure.nonRetryable('infer has no output_path', 'IncompatibleModel');
    const evaluated = await this.run(`evaluate-${role}`, metrics, 'evaluate', { predictions, labels: data.labels });
    const evaluation = evaluated.outputs['output_path'];
    if (evaluation === undefined)
      throw ApplicationFailure.nonRetryable('evaluate has no output_path', 'IncompatibleModel');
    return { cube: model.cube, evaluation, log: inferred.log };
  }

  async obtain(role: string, cube: Cube): Promise<ReadyCube> {
    return obtainImage(this.host, role, cube, this.input.offline ?? false, this.stage);
  }

  private async run(
    step: string,
    { cube, imageId }: ReadyCube,
    task: Task,
    inputs: Readonly<Record<string, Digest>>,
    gpus = 0,
  ): Promise<RunTaskResult> {
    const result = await this.stage.step(
      step,
      `${task} with ${cube.name}`,
      () =>
        this.activities['medperf.runTask'].executeWithOptions({ activityId: step, summary: `${task}: ${cube.name}` }, [
          {
            cube,
            imageId,
            task,
            inputs,
            gpus,
            noCache: this.input.noCache ?? false,
            benchmark: this.input.benchmark ?? null,
          },
        ]),
      ({ host, reused }) => ({ host, reused }),
    );
    this.allReused &&= result.reused;
    return result;
  }
}
