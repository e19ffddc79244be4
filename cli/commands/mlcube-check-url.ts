import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { define } from '../command';
import { EXIT } from '../exit-codes';
import { hasError, hostingCheckText } from '../hosting-check-text';
import { withAnySession } from '../session';
import type { Cli } from '../session';
import { resultOf, withDetach } from '../waiting';
import type { WaitingOptions } from '../waiting';

interface CheckUrlOptions extends WaitingOptions {
  readonly sha256?: string;
}

export function addCheckUrlCommand(mlcube: Command): void {
  define(
    withDetach(
      mlcube
        .command('check-url')
        .description('Have a worker fetch URLs as everybody will, and say what is wrong with where files are hosted')
        .argument('<urls...>', 'what a registry would keep')
        .option('--sha256 <hash>', 'what each of them should serve', sha256Hash),
    ),
    ['mlcube check-url https://files.example.org/mlcube.yaml', 'mlcube check-url URL --sha256 HASH --json'],
    (cli, options: CheckUrlOptions, urls) => runUrlCheck(cli, urls, options),
  );
}

function sha256Hash(text: string): string {
  if (/^[0-9a-f]{64}$/i.test(text)) return text.toLowerCase();
  throw new InvalidArgumentError('Expected 64 hexadecimal digits.');
}

/** @returns the exit code: an error finding is a failure. */
async function runUrlCheck(
  cli: Cli,
  urls: readonly string[],
  { sha256, ...waiting }: CheckUrlOptions,
): Promise<number> {
  return withAnySession(cli, async (session) => {
    const run = await session.medperf.startHostingCheck({ urls, ...(sha256 === undefined ? {} : { sha256 }) });
    const ended = await resultOf(cli, session, run, waiting);
    if (ended === null) return EXIT.done;
    const passed = !ended.result.some(hasError);
    cli.output.result({ id: run.id, passed, checks: ended.result }, () => hostingCheckText(ended.result));
    return passed ? EXIT.done : EXIT.failed;
  });
}
