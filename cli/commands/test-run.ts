import type { Command } from 'commander';
import type { CubeRef, Digest, TestRunInput, TestRunResult } from '../../contract';
import { checkTestRunArguments } from '../../contract';
import { define, wholeNumber } from '../command';
import { cubeFrom, dataFrom } from '../cube-arguments';
import { noCacheFrom, withCacheOptions } from '../no-cache';
import type { CacheOptions } from '../no-cache';
import { withSession } from '../session';
import type { Cli, Session } from '../session';
import { renderTestReport } from '../test-report';
import { resultOf, withDetach } from '../waiting';
import type { WaitingOptions } from '../waiting';
import { asWrongUse } from '../wrong-use';

/** The options as commander names them. */
export interface TestRunOptions extends WaitingOptions, CacheOptions {
  readonly benchmark?: number;
  readonly model?: string;
  readonly dataPreparation?: string;
  readonly evaluator?: string;
  readonly demoDatasetUrl?: string;
  readonly demoDatasetHash?: string;
  readonly dataPath?: string;
  readonly labelsPath?: string;
  readonly reference: boolean;
  readonly offline?: boolean;
  readonly skipDemoDataPreparation?: boolean;
  readonly gpus?: number;
}

/** Turns a cube's name or a data folder into what the store or the registry knows. */
export interface ArgumentReaders {
  readonly cube: (kind: 'cube' | 'model', argument: string) => Promise<CubeRef>;
  readonly data: (directory: string) => Promise<Digest>;
}

export function addTestCommands(program: Command): void {
  const test = program.command('test').description("Test a model's compatibility with a benchmark");
  define(
    withCacheOptions(
      withDetach(
        test
          .command('run')
          .description('Run the compatibility test: prepare the data, infer, evaluate')
          .option('-b, --benchmark <uid>', 'uid of the benchmark', wholeNumber)
          .option(
            '-m, --model <path|uid>',
            'model: its folder, the file that describes it there, or the uid of a registered model',
          )
          .option('-p, --data-preparation <path|uid>', 'data preparator to use instead (also --data_preparation)')
          .option('-e, --evaluator <path|uid>', 'metrics cube to use instead')
          .option('--demo-dataset-url <url>', 'archive of raw data to test on')
          .option('--demo-dataset-hash <hash>', 'its SHA-256')
          .option('--data-path <folder>', 'raw data to test on (also --data_path)')
          .option('--labels-path <folder>', 'its labels (also --labels_path)')
          .option('--no-reference', "leave the benchmark's reference model out")
          .option('--offline', 'use only records and files that the store has')
          .option('--skip-demo-data-preparation', 'the data is prepared already')
          .option('--gpus <count>', "GPUs for the model's infer task", wholeNumber),
      ),
    ),
    [
      'test run --benchmark 1 --model medperf_tutorial/chestxray_mlp/mlcube/mlcube.yaml',
      'test run -b 1 -m 4 --no-cache',
      'test run -b 1 -m 4 --no-cache=infer-model,evaluate',
      'test run -p ./prep -m ./model -e ./metrics --data_path ./images --labels_path ./labels',
    ],
    run,
  );
}

async function run(cli: Cli, options: TestRunOptions): Promise<void> {
  asWrongUse(() => checkTestRunArguments(placeholders(options)));
  await withSession(cli, async (session) => {
    const readers = {
      cube: (kind: 'cube' | 'model', argument: string) => cubeFrom(session, kind, argument),
      data: (directory: string) => dataFrom(session, directory),
    };
    const started = await session.medperf.startTestRun(await testRunInput(options, readers));
    const ended = await resultOf(cli, session, started, options);
    if (ended !== null) await printReport(cli, session, started.id, ended.result);
  });
}

/** What the workflow is asked for; only what was given is in it. */
export async function testRunInput(
  options: TestRunOptions,
  { cube, data }: ArgumentReaders,
): Promise<Omit<TestRunInput, 'profile'>> {
  const { benchmark, model, dataPreparation, evaluator, demoDatasetUrl, demoDatasetHash } = options;
  const { dataPath, labelsPath, gpus } = options;
  return {
    ...(benchmark === undefined ? {} : { benchmark }),
    ...(model === undefined ? {} : { model: await cube('model', model) }),
    ...(dataPreparation === undefined ? {} : { dataPreparator: await cube('cube', dataPreparation) }),
    ...(evaluator === undefined ? {} : { evaluator: await cube('cube', evaluator) }),
    ...(demoDatasetUrl === undefined ? {} : { demoDatasetUrl }),
    ...(demoDatasetHash === undefined ? {} : { demoDatasetHash }),
    ...(dataPath === undefined ? {} : { rawData: await data(dataPath) }),
    ...(labelsPath === undefined ? {} : { rawLabels: await data(labelsPath) }),
    ...noCacheFrom(options),
    ...(options.reference ? {} : { noReference: true }),
    ...(options.offline === true ? { offline: true } : {}),
    ...(options.skipDemoDataPreparation === true ? { skipDemoDataPreparation: true } : {}),
    ...(gpus === undefined ? {} : { gpus }),
  };
}

/** The rules only ask what is given, so they are checked before anything is read. */
function placeholders(options: TestRunOptions): Parameters<typeof checkTestRunArguments>[0] {
  const { benchmark, demoDatasetUrl, demoDatasetHash } = options;
  const cube = { kind: 'cube', uid: 0 } as const;
  return {
    ...(benchmark === undefined ? {} : { benchmark }),
    ...(options.model === undefined ? {} : { model: cube }),
    ...(options.dataPreparation === undefined ? {} : { dataPreparator: cube }),
    ...(options.evaluator === undefined ? {} : { evaluator: cube }),
    ...(demoDatasetUrl === undefined ? {} : { demoDatasetUrl }),
    ...(demoDatasetHash === undefined ? {} : { demoDatasetHash }),
    ...(options.dataPath === undefined ? {} : { rawData: 'sha256:' }),
    ...(options.labelsPath === undefined ? {} : { rawLabels: 'sha256:' }),
  };
}

async function printReport(cli: Cli, { store }: Session, id: string, result: TestRunResult): Promise<void> {
  const read = async (digest: Digest): Promise<unknown> => JSON.parse((await store.readBytes(digest)).toString('utf8'));
  const results = {
    candidate: await read(result.candidate.results),
    reference: result.reference === null ? null : await read(result.reference.results),
  };
  cli.output.result({ id, ...result, results }, () => renderTestReport(result));
}
