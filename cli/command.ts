import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { Output } from './output';
import { placesFrom } from './places';
import type { Cli } from './session';

interface SharedOptions {
  readonly profile: string;
  readonly json?: boolean;
}

export const DEFAULT_PROFILE = 'default';

/**
 * Gives a command the options that all have, its examples and what it does.
 * @param work answers the exit code; nothing is 0.
 */
export function define<O>(
  command: Command,
  examples: readonly string[],
  work: (cli: Cli, options: O, args: readonly string[]) => Promise<number | void>,
): void {
  command
    .option('--profile <name>', 'server and user to act as', DEFAULT_PROFILE)
    .option('--json', 'print one JSON object')
    .addHelpText('after', `\nExamples:\n${examples.map((line) => `  $ temporal-medperf ${line}`).join('\n')}`)
    .action(async () => {
      const shared = command.opts<SharedOptions & O>();
      const cli = { places: placesFrom(process.env), output: new Output(shared.json === true), profile: shared.profile };
      process.exitCode = (await work(cli, shared, command.args)) ?? 0;
    });
}

/** Parses a server's uid or another count; commander says which option had it. */
export function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected a whole number.');
}

export function optionalUid(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  return wholeNumber(text);
}

/** MedPerf spells some options with underscores; both spellings are one here. */
export function withHyphens(args: readonly string[]): string[] {
  return args.map((argument) => {
    const [name = '', ...value] = argument.startsWith('--') ? argument.split('=') : [];
    return name === '' ? argument : [name.replaceAll('_', '-'), ...value].join('=');
  });
}
