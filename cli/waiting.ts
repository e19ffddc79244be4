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

/** Waits for a run with its progress on the screen; null when asked to detach from the start. */
export async function resultOf<T>(
  cli: Cli,
  session: Session,
  run: Run<T>,
  options: WaitingOptions = {},
): Promise<{ readonly result: T } | null> {
  if (options.detach === true) {
    printStarted(cli, run.id);
    return null;
  }
  const followed = await detachable(cli, run.id, () => follow(session, cli.output, run));
  return followed.ended ? { result: followed.result } : null;
}

/** @returns the exit code. */
export function printStarted(cli: Cli, id: string): number {
  cli.output.result({ id }, () => id);
  cli.output.note(`The run goes on in the background. Watch it: temporal-medperf run watch ${id}`);
  return EXIT.done;
}

/** Work during which Ctrl-C detaches: says how to come back, and lets `Detached` end the command. */
export async function detachable<T>(cli: Cli, id: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Detached) {
      cli.output.note(`\nDetached; the run goes on. Watch it again: temporal-medperf run watch ${id}`);
      cli.output.note(`Stop it: temporal-medperf run cancel ${id}`);
    }
    throw error;
  }
}
