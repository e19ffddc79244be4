import type { Command } from 'commander';
import type { BenchmarkRecord } from '../../registry';
import { define, optionalUid } from '../command';
import { showList } from '../list-output';
import type { ListColumns } from '../list-output';
import { collected, showRecord, withViewOptions } from '../record-view';
import type { ViewOptions } from '../record-view';
import { withRegistry } from '../session';

export function addBenchmarkCommands(program: Command): void {
  const benchmark = program.command('benchmark').description('Look at benchmarks');
  define(
    benchmark.command('ls').description('List benchmarks').option('--mine', 'only your own'),
    ['benchmark ls', 'benchmark ls --mine --json'],
    (cli, { mine = false }: { mine?: boolean }) =>
      withRegistry(cli, (registry) => showList(cli.output, BENCHMARK_COLUMNS, registry.benchmarks({ mine }))),
  );
  define(
    withViewOptions(
      benchmark
        .command('view')
        .description('Show one benchmark, or all')
        .argument('[uid]')
        .option('--mine', 'only your own'),
    ),
    ['benchmark view 1', 'benchmark view 1 -f json -o benchmark.json'],
    async (cli, options: ViewOptions & { mine?: boolean }, [argument]) => {
      const uid = optionalUid(argument);
      const record = await withRegistry<unknown>(cli, (registry) =>
        uid === undefined ? collected(registry.benchmarks({ mine: options.mine ?? false })) : registry.benchmark(uid),
      );
      await showRecord(cli, record, options);
    },
  );
}

const BENCHMARK_COLUMNS: ListColumns<BenchmarkRecord> = {
  titles: ['UID', 'Name', 'Description', 'State', 'Approval Status', 'Registered'],
  cells: (row) => [row.uid, row.name, row.description, row.state, row.approvalStatus, true],
};
