import type { Command } from 'commander';
import type { ModelRecord } from '../../registry';
import type { ListColumns } from '../list-output';
import { addRecordCommands, withMine } from '../record-commands';
import type { OwnersChoice } from '../record-commands';
import { addAssociateCommand } from './associate';

/** What is associated: in the MLCube generations the same as the cubes. */
export function addModelCommands(program: Command): void {
  const model = program.command('model').description('Look at models and request that they take part in benchmarks');
  addAssociateCommand(model);
  addRecordCommands(model, {
    columns: MODEL_COLUMNS,
    withChoice: withMine,
    all: (registry, { mine = false }: OwnersChoice) => registry.models({ mine }),
    one: (registry, uid) => registry.model(uid),
    ls: { description: 'List registered models', examples: ['model ls', 'model ls --mine'] },
    view: { description: 'Show one model, or all', examples: ['model view 2', 'model view 2 -f json'] },
  });
}

const MODEL_COLUMNS: ListColumns<ModelRecord> = {
  titles: ['UID', 'Name', 'Type', 'State', 'Registered'],
  cells: (row) => [row.uid, row.name, row.cube === null ? 'ASSET' : 'CONTAINER', row.state, true],
};
