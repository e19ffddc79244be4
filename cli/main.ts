import { CommanderError } from 'commander';
import { withHyphens } from './command';
import { Detached } from './detached';
import { EXIT } from './exit-codes';
import { foreseenFailure } from './failures';
import { Output } from './output';
import { createProgram } from './program';

async function main(args: readonly string[]): Promise<void> {
  try {
    await createProgram().parseAsync(withHyphens(args), { from: 'user' });
  } catch (error) {
    process.exitCode = report(error, new Output(args.includes('--json')));
  }
}

/** Says what went wrong, without a stack trace where it was foreseen, and answers the exit code. */
function report(error: unknown, output: Output): number {
  // Commander has said it already; help and version are no errors.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.wrongUse;
  if (error instanceof Detached) return EXIT.detached;
  const failure = foreseenFailure(error);
  if (failure === null) throw error;
  output.failure(failure);
  return failure.exitCode;
}

void main(process.argv.slice(2));
