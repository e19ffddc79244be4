import type { Command } from 'commander';
import type { CubeRecord } from '../../registry';
import { define, optionalUid } from '../command';
import { showList } from '../list-output';
import type { ListColumns } from '../list-output';
import { collected, showRecord, withViewOptions } from '../record-view';
import type { ViewOptions } from '../record-view';
import { withRegistry } from '../session';
import { addAssociateCommand } from './associate';
import { addCheckUrlCommand } from './mlcube-check-url';
import { addConvertCommand } from './mlcube-convert';
import { addPublishingCommands } from './mlcube-publishing';
import { addSubmitCommand } from './mlcube-submit';

export function addMlcubeCommands(program: Command): void {
  const mlcube = program.command('mlcube').description('Package, host, submit and look at cubes');
  addPublishingCommands(mlcube);
  addCheckUrlCommand(mlcube);
  addConvertCommand(mlcube);
  addSubmitCommand(mlcube);
  addAssociateCommand(mlcube);
  define(
    mlcube.command('ls').description('List registered cubes').option('--mine', 'only your own'),
    ['mlcube ls', 'mlcube ls --mine'],
    (cli, { mine = false }: { mine?: boolean }) =>
      withRegistry(cli, (registry) => showList(cli.output, CUBE_COLUMNS, registry.cubes({ mine }))),
  );
  define(
    withViewOptions(
      mlcube.command('view').description('Show one cube, or all').argument('[uid]').option('--mine', 'only your own'),
    ),
    ['mlcube view 4', 'mlcube view 4 -f json'],
    async (cli, options: ViewOptions & { mine?: boolean }, [argument]) => {
      const uid = optionalUid(argument);
      const record = await withRegistry<unknown>(cli, (registry) =>
        uid === undefined ? collected(registry.cubes({ mine: options.mine ?? false })) : registry.cube(uid),
      );
      await showRecord(cli, record, options);
    },
  );
}

export const CUBE_COLUMNS: ListColumns<CubeRecord> = {
  titles: ['UID', 'Name', 'State', 'Registered'],
  cells: (row) => [row.uid, row.name, row.state, true],
};
