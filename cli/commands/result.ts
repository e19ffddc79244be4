import type { Command } from 'commander';
import type { ResultRecord } from '../../registry';
import { wholeNumber } from '../command';
import type { ListColumns } from '../list-output';
import { addRecordCommands } from '../record-commands';

interface ResultsChoice {
  readonly benchmark?: number;
}

export function addResultCommands(program: Command): void {
  const result = program.command('result').description('Look at what models reached on datasets');
  addRecordCommands(result, {
    columns: RESULT_COLUMNS,
    withChoice: (command) =>
      command.option('-b, --benchmark <uid>', 'those of this benchmark instead of your own', wholeNumber),
    all: (registry, { benchmark }: ResultsChoice) => registry.results(benchmark === undefined ? {} : { benchmark }),
    one: (registry, uid) => registry.result(uid),
    ls: {
      description: 'List your own results, or those of a benchmark of yours',
      examples: ['result ls', 'result ls --benchmark 1'],
    },
    view: {
      description: 'Show one result with its figures, or all',
      examples: ['result view 1', 'result view --benchmark 1 -f json -o results.json'],
    },
  });
}

const RESULT_COLUMNS: ListColumns<ResultRecord> = {
  titles: ['UID', 'Name', 'Benchmark', 'Model', 'Dataset', 'Finalized'],
  cells: (row) => [row.uid, row.name, row.benchmark, row.model, row.dataset, row.isFinal],
};
