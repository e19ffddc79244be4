import type { Command } from 'commander';
import type { DatasetRecord } from '../../registry';
import { define, optionalUid } from '../command';
import { showList } from '../list-output';
import type { ListColumns } from '../list-output';
import { collected, showRecord, withViewOptions } from '../record-view';
import type { ViewOptions } from '../record-view';
import { withRegistry } from '../session';

export function addDatasetCommands(program: Command): void {
  const dataset = program.command('dataset').description('Look at registered datasets');
  define(
    dataset.command('ls').description('List registered datasets').option('--mine', 'only your own'),
    ['dataset ls', 'dataset ls --mine'],
    (cli, { mine = false }: { mine?: boolean }) =>
      withRegistry(cli, (registry) => showList(cli.output, DATASET_COLUMNS, registry.datasets({ mine }))),
  );
  define(
    withViewOptions(
      dataset
        .command('view')
        .description('Show one dataset, or all')
        .argument('[uid]')
        .option('--mine', 'only your own'),
    ),
    ['dataset view 1', 'dataset view 1 -f json'],
    async (cli, options: ViewOptions & { mine?: boolean }, [argument]) => {
      const uid = optionalUid(argument);
      const record = await withRegistry<unknown>(cli, (registry) =>
        uid === undefined ? collected(registry.datasets({ mine: options.mine ?? false })) : registry.dataset(uid),
      );
      await showRecord(cli, record, options);
    },
  );
}

export const DATASET_COLUMNS: ListColumns<DatasetRecord> = {
  titles: ['UID', 'Name', 'Data Preparation Cube UID', 'State', 'Owner'],
  cells: (row) => [row.uid, row.name, row.dataPreparator, row.state, row.owner ?? ''],
};
