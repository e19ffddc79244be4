import { Command } from 'commander';
import { addAccountCommands } from './commands/account';
import { addAssociationCommands } from './commands/association';
import { addBenchmarkCommands } from './commands/benchmark';
import { addDatasetCommands } from './commands/dataset';
import { addDevCommands } from './commands/dev';
import { addMlcubeCommands } from './commands/mlcube';
import { addModelCommands } from './commands/model';
import { addOnboardCommand } from './commands/onboard';
import { addProfileCommands } from './commands/profile';
import { addResultCommands } from './commands/result';
import { addRunCommands } from './commands/run';
import { addSetupCommand } from './commands/setup';
import { addStoreCommands } from './commands/store';
import { addTestCommands } from './commands/test-run';
import { addWorkerCommands } from './commands/worker';
import { EXIT_CODES_HELP } from './exit-codes';

/** The whole command line; commander throws instead of ending the process. */
export function createProgram(): Command {
  const program = new Command('temporal-medperf')
    .description('Take medical-AI models through MedPerf as durable workflows')
    .exitOverride()
    .showHelpAfterError('(add --help for the options and examples)')
    .addHelpText('afterAll', EXIT_CODES_HELP);
  addAccountCommands(program);
  addProfileCommands(program);
  addBenchmarkCommands(program);
  addTestCommands(program);
  addMlcubeCommands(program);
  addModelCommands(program);
  addDatasetCommands(program);
  addAssociationCommands(program);
  addResultCommands(program);
  addOnboardCommand(program);
  addRunCommands(program);
  addWorkerCommands(program);
  addStoreCommands(program);
  addDevCommands(program);
  addSetupCommand(program);
  return program;
}
