import { join } from 'node:path';
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { dialectOfStack, STACK_DIALECTS } from '../../devstack/stack-dialect';
import type { StackDialect } from '../../devstack/stack-dialect';
import { readDevStack, stopDevStack } from '../../devstack/stack-record';
import type { StackRecord } from '../../devstack/stack-record';
import { runDevStack } from '../../devstack/supervisor';
import { MedperfError } from '../../contract';
import { define } from '../command';
import { startDetached, startedBy } from '../detached-process';
import { readDevWorker, startDevWorker, stopDevWorker } from '../dev-worker';
import type { Cli } from '../session';
import { addRegistryCommand } from './dev-registry';
import { table } from '../tables';

export function addDevCommands(program: Command): void {
  const dev = program
    .command('dev')
    .description('A whole MedPerf on this machine: Temporal, registry, file host, worker');
  define(
    dev
      .command('start')
      .description('Start what does not run yet')
      .option(
        '--dialect <name>',
        "e23 (the tutorial's, default), e25 or head: the generation of MedPerf's server",
        dialectOf,
      ),
    ['dev start', 'dev start --dialect head'],
    start,
  );
  define(dev.command('stop').description('Stop it all; what it holds stays'), ['dev stop'], stop);
  define(dev.command('status').description('Say what runs and where'), ['dev status', 'dev status --json'], status);
  define(
    dev
      .command('supervise', { hidden: true })
      .description('Run the stack in the foreground')
      .option('--dialect <name>', 'as of dev start', dialectOf),
    ['dev supervise'],
    supervise,
  );
  addRegistryCommand(dev);
}

interface StackOptions {
  readonly dialect?: StackDialect;
}

async function start(cli: Cli, { dialect }: StackOptions): Promise<void> {
  const { places, output } = cli;
  const running = await readDevStack(places.state);
  if (running === null) {
    output.note('Starting Temporal, the registry and the file host …');
    const choice = dialect === undefined ? [] : ['--dialect', dialect];
    await startDetached(['dev', 'supervise', ...choice], join(places.state, 'dev-stack.log'), (line) =>
      output.note(line),
    );
  } else if (dialect !== undefined) {
    await dialectOfStack(places.state, dialect);
  }
  if ((await readDevWorker(places)) === null) {
    output.note('Starting a worker …');
    await startDevWorker(places);
  }
  const record = await readDevStack(places.state);
  if (record === null) {
    throw new MedperfError('NeedsAttention', {
      what: 'The dev stack has ended right after its start.',
      next: `look into ${join(places.state, 'dev-stack.log')}`,
    });
  }
  output.result({ running: true, ...addresses(record) }, () =>
    [
      stackTable(record),
      '',
      ...(record.registry.tokens === undefined
        ? [
            'Users of the tutorial: testmodelowner, testbenchmarkowner, testdataowner; password: test',
            'Sign in: temporal-medperf login',
          ]
        : [
            'Users of the tutorial: testmo@example.com, testbo@example.com, testdo@example.com',
            'Sign in: temporal-medperf login --local testmo@example.com',
          ]),
    ].join('\n'),
  );
}

async function stop({ places, output }: Cli): Promise<void> {
  const worker = await stopDevWorker(places);
  const stack = await stopDevStack(places.state);
  output.result({ stopped: { worker, stack } }, () =>
    worker || stack ? 'The dev stack is stopped.' : 'No dev stack was running.',
  );
}

async function status({ places, output }: Cli): Promise<void> {
  const record = await readDevStack(places.state);
  const worker = (await readDevWorker(places)) !== null;
  if (record === null) {
    output.result({ running: false, worker }, () => 'No dev stack is running. Start it: temporal-medperf dev start');
    return;
  }
  output.result({ running: true, worker, ...addresses(record) }, () =>
    [stackTable(record), worker ? 'A worker serves it.' : 'No worker serves it: temporal-medperf dev start'].join('\n'),
  );
}

async function supervise({ places, output }: Cli, { dialect }: StackOptions): Promise<void> {
  const log = (line: string): void => {
    output.note(line);
    startedBy.line(line);
  };
  await runDevStack({ stateDirectory: places.state, dialect, log }, () => startedBy.ready());
}

function addresses({ temporal, registry, files }: StackRecord): object {
  return { temporal: temporal.address, ui: temporal.uiUrl, registry: registry.url, files: files.url };
}

function stackTable(record: StackRecord): string {
  return table(
    ['Part', 'Address'],
    [
      ['Temporal', record.temporal.address],
      ["Temporal's UI", record.temporal.uiUrl],
      [`registry (${record.registry.dialect})`, record.registry.url],
      ['file host', record.files.url],
    ],
  );
}

function dialectOf(text: string): StackDialect {
  const dialect = STACK_DIALECTS.find((name) => name === text.toUpperCase());
  if (dialect !== undefined) return dialect;
  throw new InvalidArgumentError(`Expected one of ${STACK_DIALECTS.join(', ').toLowerCase()}.`);
}
