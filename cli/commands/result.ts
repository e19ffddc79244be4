import type { Command } from 'commander';
import type { ResultRecord } from '../../registry';
import { define, optionalUid, wholeNumber } from '../command';
import { showList } from '../list-output';
import type { ListColumns } from '../list-output';
import { collected, showRecord, withViewOptions } from '../record-view';
import type { ViewOptions } from '../record-view';
import { withRegistry } from '../session';

interface ResultsOptions {
  readonly benchmark?: number;
}

export function addResultCommands(program: Command): void {
  const result = program.command('result').description('Look at what models reached on datasets');
  define(
    ofBenchmark(result.command('ls').description('List your own results, or those of a benchmark of yours')),
    ['result ls', 'result ls --benchmark 1'],
    (cli, { benchmark }: ResultsOptions) =>
      withRegistry(cli, (registry) => showList(cli.output, RESULT_COLUMNS, registry.results(chosen(benchmark)))),
  );
  define(
    withViewOptions(
      ofBenchmark(result.command('view').description('Show one result with its figures, or all').argument('[uid]')),
    ),
    ['result view 1', 'result view --benchmark 1 -f json -o results.json'],
    async (cli, { benchmark, ...options }: ViewOptions & ResultsOptions, [argument]) => {
      const uid = optionalUid(argument);
      const record = await withRegistry<unknown>(cli, (registry) =>
        uid === undefined ? collected(registry.results(chosen(benchmark))) : registry.result(uid),
      );
      await showRecord(cli, record, options);
    },
  );
}

function ofBenchmark(command: Command): Command {
  return command.option('-b, --benchmark <uid>', 'those of this benchmark instead of your own', wholeNumber);
}

function chosen(benchmark: number | undefined): { benchmark?: number } {
  return benchmark === undefined ? {} : { benchmark };
}

export const RESULT_COLUMNS: ListColumns<ResultRecord> = {
  titles: ['UID', 'Name', 'Benchmark', 'Model', 'Dataset', 'Finalized'],
  cells: (row) => [row.uid, row.name, row.benchmark, row.model, row.dataset, row.isFinal],
};
