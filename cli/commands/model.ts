import type { Command } from 'commander';
import type { ModelRecord } from '../../registry';
import { define, optionalUid } from '../command';
import { showList } from '../list-output';
import type { ListColumns } from '../list-output';
import { collected, showRecord, withViewOptions } from '../record-view';
import type { ViewOptions } from '../record-view';
import { withRegistry } from '../session';
import { addAssociateCommand } from './associate';

/** What is associated: in the MLCube generations the same as the cubes. */
export function addModelCommands(program: Command): void {
  const model = program.command('model').description('Look at models and request that they take part in benchmarks');
  addAssociateCommand(model);
  define(
    model.command('ls').description('List registered models').option('--mine', 'only your own'),
    ['model ls', 'model ls --mine'],
    (cli, { mine = false }: { mine?: boolean }) =>
      withRegistry(cli, (registry) => showList(cli.output, MODEL_COLUMNS, registry.models({ mine }))),
  );
  define(
    withViewOptions(
      model.command('view').description('Show one model, or all').argument('[uid]').option('--mine', 'only your own'),
    ),
    ['model view 2', 'model view 2 -f json'],
    async (cli, options: ViewOptions & { mine?: boolean }, [argument]) => {
      const uid = optionalUid(argument);
      const record = await withRegistry<unknown>(cli, (registry) =>
        uid === undefined ? collected(registry.models({ mine: options.mine ?? false })) : registry.model(uid),
      );
      await showRecord(cli, record, options);
    },
  );
}

const MODEL_COLUMNS: ListColumns<ModelRecord> = {
  titles: ['UID', 'Name', 'Type', 'State', 'Registered'],
  cells: (row) => [row.uid, row.name, row.cube === null ? 'ASSET' : 'CONTAINER', row.state, true],
};
