import type { Command } from 'commander';
import type { DatasetRecord } from '../../registry';
import type { ListColumns } from '../list-output';
import { addRecordCommands, withMine } from '../record-commands';
import type { OwnersChoice } from '../record-commands';

export function addDatasetCommands(program: Command): void {
  const dataset = program.command('dataset').description('Look at registered datasets');
  addRecordCommands(dataset, {
    columns: DATASET_COLUMNS,
    withChoice: withMine,
    all: (registry, { mine = false }: OwnersChoice) => registry.datasets({ mine }),
    one: (registry, uid) => registry.dataset(uid),
    ls: { description: 'List registered datasets', examples: ['dataset ls', 'dataset ls --mine'] },
    view: { description: 'Show one dataset, or all', examples: ['dataset view 1', 'dataset view 1 -f json'] },
  });
}

const DATASET_COLUMNS: ListColumns<DatasetRecord> = {
  titles: ['UID', 'Name', 'Data Preparation Cube UID', 'State', 'Owner'],
  cells: (row) => [row.uid, row.name, row.dataPreparator, row.state, row.owner ?? ''],
};
