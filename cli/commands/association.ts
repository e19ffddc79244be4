import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { MedperfError } from '../../contract';
import type { AssociationRecord, Registry } from '../../registry';
import { define, wholeNumber } from '../command';
import { EXIT } from '../exit-codes';
import { noCacheFrom, withCacheOptions } from '../no-cache';
import type { CacheOptions } from '../no-cache';
import { showRecord, withViewOptions } from '../record-view';
import type { ViewOptions } from '../record-view';
import { withRegistry, withSession } from '../session';
import type { Cli } from '../session';
import { table } from '../tables';
import { resultOf, withDetach } from '../waiting';
import type { WaitingOptions } from '../waiting';
import { WrongUse } from '../wrong-use';

interface PairOptions {
  readonly benchmark: number;
  readonly modelUid: number;
}

const STATUSES = ['PENDING', 'APPROVED', 'REJECTED'] as const;

export function addAssociationCommands(program: Command): void {
  const association = program.command('association').description('Look at and decide on requests to take part');
  define(
    association
      .command('ls')
      .description('List the associations of your models and benchmarks')
      .argument('[status]', 'pending, approved or rejected')
      .option('-b, --benchmark <uid>', 'only those of one benchmark', wholeNumber)
      .option('-m, --model-uid <uid>', 'only those of one model (also --model_uid)', wholeNumber),
    ['association ls', 'association ls pending --benchmark 1'],
    async (cli, options: Partial<PairOptions>, [status]) => {
      const isWanted = filterOf(options, statusFrom(status));
      const rows = (await withRegistry(cli, (registry) => registry.associations())).filter(isWanted);
      cli.output.result(rows, () => associationTable(rows));
    },
  );
  define(
    withViewOptions(
      withPair(
        association.command('view').description('Show an association, with the results that its request brought'),
      ),
    ),
    ['association view --benchmark 1 --model_uid 4', 'association view -b 1 -m 4 -f json'],
    async (cli, { modelUid, benchmark, ...options }: PairOptions & ViewOptions) =>
      showRecord(cli, await withRegistry(cli, (registry) => viewed(registry, modelUid, benchmark)), options),
  );
  addApproval(association);
  define(
    withPair(association.command('reject').description('Reject a pending request, or withdraw your own')),
    ['association reject --benchmark 1 --model_uid 4', 'association reject -b 1 -m 4 --profile committee'],
    (cli, options: PairOptions) => decide(cli, options, 'REJECTED'),
  );
  define(
    withPair(
      association.command('set-priority').alias('set_priority').description("Set the order of a benchmark's models"),
    ).requiredOption('-p, --priority <number>', 'any whole number; the highest comes first', integer),
    ['association set-priority --benchmark 1 --model_uid 4 --priority 5', 'association set_priority -b 1 -m 4 -p -1'],
    async (cli, { modelUid, benchmark, priority }: PairOptions & { readonly priority: number }) => {
      const record = await withRegistry(cli, (registry) => registry.setPriority(modelUid, benchmark, priority));
      cli.output.result(record, () => `Model ${modelUid} has the priority ${priority} in benchmark ${benchmark}.`);
    },
  );
}

async function viewed(registry: Registry, modelUid: number, benchmark: number): Promise<object> {
  const association = await registry.association(modelUid, benchmark);
  if (association !== null) return { ...association, testResult: await registry.sentResults(modelUid, benchmark) };
  throw new MedperfError('RegistryRejected', {
    what: `Model ${modelUid} was never asked to be associated with benchmark ${benchmark}.`,
    next: 'see the associations: temporal-medperf association ls',
  });
}

function filterOf(
  { benchmark, modelUid }: Partial<PairOptions>,
  status: AssociationRecord['status'] | undefined,
): (row: AssociationRecord) => boolean {
  const fits = <T>(wanted: T | undefined, found: T): boolean => wanted === undefined || wanted === found;
  return (row) => fits(status, row.status) && fits(benchmark, row.benchmark) && fits(modelUid, row.modelUid);
}

function integer(text: string): number {
  const value = Number(text);
  if (/^[+-]?\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError('Expected a whole number.');
}

/** MedPerf's `-m` with its own spelling of the long option. */
export function withPair(command: Command): Command {
  return command
    .requiredOption('-b, --benchmark <uid>', 'uid of the benchmark', wholeNumber)
    .requiredOption('-m, --model-uid <uid>', 'uid of the model (also --model_uid)', wholeNumber);
}

interface ApprovalOptions extends PairOptions, WaitingOptions, CacheOptions {
  readonly afterTest?: boolean;
  readonly reference: boolean;
  readonly gpus?: number;
}

function addApproval(association: Command): void {
  const command = withPair(association.command('approve').description('Approve a pending request'))
    .option('--after-test', 'test the model here first, and approve only what passes')
    .option('--no-reference', "with --after-test: leave the benchmark's reference model out of the test")
    .option('--gpus <count>', "with --after-test: GPUs for the model's infer task", wholeNumber);
  define(
    withCacheOptions(withDetach(command)),
    [
      'association approve --benchmark 1 --model_uid 4',
      'association approve -b 1 -m 4 --after-test --profile committee',
    ],
    (cli, options: ApprovalOptions) =>
      options.afterTest === true
        ? approveAfterTest(cli, options)
        : decide(cli, withoutTestOptions(options), 'APPROVED'),
  );
}

function withoutTestOptions(options: ApprovalOptions): PairOptions {
  const { gpus, reference, detach, modelUid, benchmark } = options;
  const given = gpus !== undefined || !reference || detach === true || Object.keys(noCacheFrom(options)).length > 0;
  if (!given) return { modelUid, benchmark };
  throw new WrongUse({
    what: 'Options for a test are given, and no test is asked for.',
    next: 'add --after-test, or leave --no-reference, --gpus, --no-cache and --detach out.',
  });
}

function approveAfterTest(cli: Cli, options: ApprovalOptions): Promise<number> {
  const { benchmark, modelUid, gpus, reference } = options;
  return withSession(cli, async (session) => {
    const run = await session.medperf.startApprove({
      benchmark,
      modelUid,
      ...noCacheFrom(options),
      ...(reference ? {} : { noReference: true }),
      ...(gpus === undefined ? {} : { gpus }),
    });
    const ended = await resultOf(cli, session, run, options);
    if (ended === null) return EXIT.done;
    const pair = `model ${modelUid} with benchmark ${benchmark}`;
    const how = ended.result.test === null ? 'was approved before' : 'passed its test and is APPROVED';
    cli.output.result({ id: run.id, ...ended.result }, () => `The association of ${pair} ${how}.`);
    return EXIT.done;
  });
}

async function decide(cli: Cli, pair: PairOptions, status: 'APPROVED' | 'REJECTED'): Promise<void> {
  const { record } = await withRegistry(cli, (registry) =>
    registry.decideAssociation(pair.modelUid, pair.benchmark, status),
  );
  cli.output.result(
    record,
    () => `The association of model ${pair.modelUid} with benchmark ${pair.benchmark} is ${status}.`,
  );
}

function statusFrom(text: string | undefined): (typeof STATUSES)[number] | undefined {
  if (text === undefined) return undefined;
  const status = STATUSES.find((known) => known === text.toUpperCase());
  if (status !== undefined) return status;
  throw new WrongUse({ what: `There is no status ${text}.`, next: 'use pending, approved or rejected.' });
}

function associationTable(rows: readonly AssociationRecord[]): string {
  const columns = ['Model UID', 'Benchmark UID', 'Initiated by', 'Status', 'Priority'];
  return table(
    columns,
    rows.map((row) => [row.modelUid, row.benchmark, row.initiatedBy, row.status, row.priority]),
  );
}
