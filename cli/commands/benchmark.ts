import type { Command } from 'commander';
import type { BenchmarkRecord } from '../../registry';
import type { ListColumns } from '../list-output';
import { addRecordCommands, withMine } from '../record-commands';
import type { OwnersChoice } from '../record-commands';

export function addBenchmarkCommands(program: Command): void {
  const benchmark = program.command('benchmark').description('Look at benchmarks');
  addRecordCommands(benchmark, {
    columns: BENCHMARK_COLUMNS,
    withChoice: withMine,
    all: (registry, { mine = false }: OwnersChoice) => registry.benchmarks({ mine }),
    one: (registry, uid) => registry.benchmark(uid),
    ls: { description: 'List benchmarks', examples: ['benchmark ls', 'benchmark ls --mine --json'] },
    view: {
      description: 'Show one benchmark, or all',
      examples: ['benchmark view 1', 'benchmark view 1 -f json -o benchmark.json'],
    },
  });
}

const BENCHMARK_COLUMNS: ListColumns<BenchmarkRecord> = {
  titles: ['UID', 'Name', 'Description', 'State', 'Approval Status', 'Registered'],
  cells: (row) => [row.uid, row.name, row.description, row.state, row.approvalStatus, true],
};
