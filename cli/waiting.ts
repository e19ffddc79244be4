import type { Command } from 'commander';
import type { Run } from '../client';
import { Detached } from './detached';
import { EXIT } from './exit-codes';
import { follow } from './follow';
import type { Cli, Session } from './session';

export interface WaitingOptions {
  readonly detach?: boolean;
}

export function withDetach(command: Command): Command {
  return command.option('--detach', 'start the run, print its id and do not wait');
}

/** Waits for a run with its progress on the screen, unless asked to detach; `null` when it goes on without us. */
export async function resultOf<T>(
  cli: Cli,
  session: Session,
  run: Run<T>,
  options: WaitingOptions,
): Promise<{ readonly result: T } | null> {
  if (options.detach === true) {
    printStarted(cli, run.id);
    return null;
  }
  const followed = await attached(cli, run.id, () => follow(session, cli.output, run));
  return followed?.ended === true ? { result: followed.result } : null;
}

export function printStarted(cli: Cli, id: string): void {
  cli.output.result({ id }, () => id);
  cli.output.note(`The run goes on in the background. Watch it: temporal-medperf run watch ${id}`);
}

/** Work during which Ctrl-C detaches; `null` when it was pressed. */
export async function attached<T>(cli: Cli, id: string, work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Detached)) throw error;
    cli.output.note(
      `\nDetached; the run goes on. Watch it again: temporal-medperf run watch ${id}\nStop it: temporal-medperf run cancel ${id}`,
    );
    if (cli.output.json) cli.output.result({ id, detached: true }, () => '');
    throw new Interrupted();
  }
}

/** Ends the command after Ctrl-C, when all is said. */
export class Interrupted extends Error {
  readonly exitCode = EXIT.detached;
}
