import type { Command } from 'commander';
import type { CubeRecord } from '../../registry';
import type { ListColumns } from '../list-output';
import { addRecordCommands, withMine } from '../record-commands';
import type { OwnersChoice } from '../record-commands';
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
  addRecordCommands(mlcube, {
    columns: CUBE_COLUMNS,
    withChoice: withMine,
    all: (registry, { mine = false }: OwnersChoice) => registry.cubes({ mine }),
    one: (registry, uid) => registry.cube(uid),
    ls: { description: 'List registered cubes', examples: ['mlcube ls', 'mlcube ls --mine'] },
    view: { description: 'Show one cube, or all', examples: ['mlcube view 4', 'mlcube view 4 -f json'] },
  });
}

export const CUBE_COLUMNS: ListColumns<CubeRecord> = {
  titles: ['UID', 'Name', 'State', 'Registered'],
  cells: (row) => [row.uid, row.name, row.state, true],
};
