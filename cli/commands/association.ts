import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import type { AssociationRecord } from '../../registry';
import { define, wholeNumber } from '../command';
import { withRegistry } from '../session';
import type { Cli } from '../session';
import { table } from '../tables';
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
  addDecision(association, 'approve', 'APPROVED');
  addDecision(association, 'reject', 'REJECTED');
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

function addDecision(association: Command, name: 'approve' | 'reject', status: 'APPROVED' | 'REJECTED'): void {
  define(
    withPair(association.command(name).description(`Decide on a pending request: ${name} it`)),
    [`association ${name} --benchmark 1 --model_uid 4`, `association ${name} -b 1 -m 4 --profile committee`],
    (cli, options: PairOptions) => decide(cli, options, status),
  );
}

async function decide(cli: Cli, pair: PairOptions, status: 'APPROVED' | 'REJECTED'): Promise<void> {
  const record = await withRegistry(cli, (registry) =>
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
