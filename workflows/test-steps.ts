import { ApplicationFailure } from '@temporalio/workflow';
import type {
  DataAndLabels,
  DemoData,
  Digest,
  EvaluatedModel,
  RunTaskResult,
  Task,
  TestSettings,
  TestStep,
  TestStepResult,
} from '../contract';
import type { HeldCube } from './held-cube';
import { sideBySide } from './host-claims';
import type { HostDesk } from './host-claims';
import type { StageRecorder } from './progress-recorder';
import { byteMoving, onHost, resultLookUps } from './proxies';

type DataSource = DemoData | DataAndLabels;

interface TaskReads {
  readonly inputs: Readonly<Record<string, Digest>>;
  /** Data that is read without having been prepared here. */
  readonly source?: DataSource;
  readonly gpus?: number;
}

/** Takes the container steps of a test, each from what is known where it can. */
export class TestSteps {
  readonly runs: TestStepResult[] = [];
  private fetching: Promise<DataAndLabels> | null = null;

  constructor(
    readonly desk: HostDesk,
    private readonly settings: TestSettings,
    private readonly repeat: ReadonlySet<TestStep>,
    private readonly stage: StageRecorder,
  ) {}

  async prepare(preparator: HeldCube, source: DataSource, isPrepared: boolean): Promise<DataAndLabels> {
    const raw = await this.trees(source);
    const inputs = { data_path: raw.data, labels_path: raw.labels };
    let ready = raw;
    let made: RunTaskResult['outputs'] = raw.metadata === undefined ? {} : { metadata_path: raw.metadata };
    if (!isPrepared) {
      const { outputs } = await this.take('prepare', preparator, 'prepare', { inputs, source });
      const data = output('prepare', outputs);
      // E23's cubes without output_labels_path keep the labels with the data.
      ready = { data, labels: outputs['output_labels_path'] ?? data };
      made = outputs;
    }
    const checked = { data_path: ready.data, labels_path: ready.labels, ...optional('metadata_path', made) };
    const read = isPrepared ? { source } : {};
    const reported = { ...checked, ...optional('report_file', made) };
    await this.take('sanity-check', preparator, 'sanity_check', { inputs: reported, ...read });
    await this.take('statistics', preparator, 'statistics', { inputs: checked, ...read });
    return ready;
  }

  async evaluate(
    role: 'model' | 'reference',
    model: HeldCube,
    metrics: HeldCube,
    source: DataSource,
  ): Promise<EvaluatedModel> {
    const { gpus } = this.settings;
    const data = await this.trees(source);
    const inferred = await this.take(`infer-${role}`, model, 'infer', {
      inputs: { data_path: data.data },
      source,
      gpus,
    });
    const inputs = { predictions: output('infer', inferred.outputs), labels: data.labels };
    const evaluated = await this.take(`evaluate-${role}`, metrics, 'evaluate', { inputs, source });
    return { cube: await model.cube(), evaluation: output('evaluate', evaluated.outputs), log: inferred.log };
  }

  /** Raw data's trees; fetched only where they are not remembered. */
  private async trees(source: DataSource): Promise<DataAndLabels> {
    return ('url' in source ? source.known : source) ?? this.fetched(source);
  }

  /** Also what is remembered has to be there for a container that reads it. */
  private async fetched(source: DataSource): Promise<DataAndLabels> {
    return 'url' in source ? (this.fetching ??= this.fetchData(source)) : source;
  }

  private async take(step: TestStep, held: HeldCube, task: Task, reads: TaskReads): Promise<RunTaskResult> {
    const found = await this.find(step, held, task, reads.inputs);
    const result = found ?? (await this.run(step, held, task, reads));
    this.runs.push({ step, result });
    return result;
  }

  private async find(
    step: TestStep,
    { known }: HeldCube,
    task: Task,
    inputs: Readonly<Record<string, Digest>>,
  ): Promise<RunTaskResult | null> {
    if (known === null || this.repeat.has(step)) return null;
    const activityId = `find-${step}`;
    return this.stage.lookUp(
      activityId,
      `${task} with ${known.cube.name}`,
      () =>
        resultLookUps['medperf.findResult'].executeWithOptions({ activityId, summary: `${task}: ${known.cube.name}` }, [
          { ...known, task, inputs, scope: this.settings.scope },
        ]),
      ({ host, reused }) => ({ host, reused }),
    );
  }

  private run(
    step: TestStep,
    held: HeldCube,
    task: Task,
    { inputs, source, gpus = 0 }: TaskReads,
  ): Promise<RunTaskResult> {
    const { benchmark, scope } = this.settings;
    return this.desk.on(async (host) => {
      const [ready] = await sideBySide([
        () => held.ready(host),
        () => (source === undefined ? null : this.fetched(source)),
      ]);
      const { name } = ready.cube;
      return this.stage.step(
        step,
        `${task} with ${name}`,
        () =>
          onHost(host)['medperf.runTask'].executeWithOptions({ activityId: step, summary: `${task}: ${name}` }, [
            { ...ready, task, inputs, gpus, noCache: this.repeat.has(step), benchmark, scope },
          ]),
        ({ host: where, reused }) => ({ host: where, reused }),
      );
    });
  }

  private fetchData({ url, hash }: DemoData): Promise<DataAndLabels> {
    return this.stage.step('demo-data', 'fetch and unpack the demo data', () =>
      byteMoving['medperf.fetchDemoData'].executeWithOptions({ activityId: 'demo-data', summary: 'demo data' }, [
        { url, hash, offline: this.settings.offline },
      ]),
    );
  }
}

/** An output that a cube may leave out. */
function optional(name: string, outputs: RunTaskResult['outputs']): Readonly<Record<string, Digest>> {
  const digest = outputs[name];
  return digest === undefined ? {} : { [name]: digest };
}

function output(task: Task, outputs: RunTaskResult['outputs']): Digest {
  const digest = outputs['output_path'];
  if (digest !== undefined) return digest;
  throw ApplicationFailure.nonRetryable(`${task} has no output_path`, 'IncompatibleModel');
}
