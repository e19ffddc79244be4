import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { openProfiles } from '../registry';
import { EXIT } from './exit-codes';
import { Output } from './output';
import { placesFrom } from './places';
import type { Cli } from './session';

interface SharedOptions {
  readonly profile?: string;
  readonly json?: boolean;
}

/**
 * Gives a command the options that all have, its examples and what it does.
 * @param work is given the options as commander names them; answers the exit code, or nothing when all is done.
 */
export function define(
  command: Command,
  examples: readonly string[],
  work: (cli: Cli, options: never, args: readonly string[]) => Promise<number> | Promise<void>,
): void {
  command
    .option('--profile <name>', 'server and user to act as; else the active profile')
    .option('--json', 'print one JSON object')
    .addHelpText('after', `\nExamples:\n${examples.map((line) => `  $ temporal-medperf ${line}`).join('\n')}`)
    .action(async () => {
      const shared = command.opts<SharedOptions>();
      const places = placesFrom(process.env);
      const profile = shared.profile ?? (await openProfiles(places.config).active());
      const cli = { places, output: new Output(shared.json === true), profile };
      const code = await work(cli, shared as never, command.args);
      process.exitCode = typeof code === 'number' ? code : EXIT.done;
    });
}

/** Parses a server's uid or another count; commander says which option had it. */
export function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected a whole number.');
}

/** MedPerf spells some options with underscores; both spellings are one here. `--no-cache=STEPS` is `--rerun=STEPS`. */
export function withHyphens(args: readonly string[]): string[] {
  return args.map((argument) => {
    const [name = '', ...value] = argument.startsWith('--') ? argument.split('=') : [];
    if (name === '') return argument;
    const hyphened = name.replaceAll('_', '-');
    // For commander an option is either a switch or takes a value.
    return [hyphened === '--no-cache' && value.length > 0 ? '--rerun' : hyphened, ...value].join('=');
  });
}
