import type { Command } from 'commander';
import type { NoCache } from '../../contract';
import { define, wholeNumber } from '../command';
import { duration } from '../durations';
import { noCacheFrom, withCacheOptions } from '../no-cache';
import type { CacheOptions } from '../no-cache';
import { followRequest } from '../request-decision';
import { withSession } from '../session';
import { printStarted, withDetach } from '../waiting';
import type { WaitingOptions } from '../waiting';
import { withPair } from './association';

/** What `associate` and `onboard` have in common. */
export interface RequestingOptions extends WaitingOptions, CacheOptions {
  readonly benchmark: number;
  readonly yes?: boolean;
  readonly again?: boolean;
  readonly wait?: boolean;
  readonly reference: boolean;
  readonly gpus?: number;
  readonly approvalDeadline?: number;
  readonly remindAfter?: number;
}

interface AssociateOptions extends RequestingOptions {
  readonly modelUid: number;
}

export function addAssociateCommand(mlcube: Command): void {
  define(
    withRequesting(withPair(mlcube.command('associate').description('Request that a model takes part in a benchmark'))),
    [
      'mlcube associate --benchmark 1 --model_uid 4',
      'mlcube associate -b 1 -m 4 -y --wait',
      'mlcube associate -b 1 -m 4 --approval-deadline 30d',
    ],
    (cli, options: AssociateOptions) =>
      withSession(cli, async (session) => {
        const run = await session.medperf.startAssociate({
          benchmark: options.benchmark,
          modelUid: options.modelUid,
          ...requested(options),
        });
        if (options.detach === true) return printStarted(cli, run.id);
        return followRequest(cli, session, run, options, (result) => result);
      }),
  );
}

export function withRequesting(command: Command): Command {
  return withCacheOptions(withDetach(command))
    .option('-y, --yes', 'send the request without asking')
    .option('--again', 'ask again after a rejection')
    .option('--wait', "stay until the committee's decision")
    .option(
      '--approval-deadline <time>',
      'withdraw the request when there is no decision by then, such as 30d',
      duration,
    )
    .option('--remind-after <time>', 'when to remind first of what is waited for (default: 1d)', duration)
    .option('--no-reference', "leave the benchmark's reference model out of the test")
    .option('--gpus <count>', "GPUs for the model's infer task", wholeNumber);
}

interface Requested {
  readonly confirmed?: true;
  readonly again?: true;
  readonly noCache?: NoCache;
  readonly noReference?: true;
  readonly gpus?: number;
  readonly approvalDeadlineMs?: number;
  readonly remindAfterMs?: number;
}

/** The options as the workflows take them; only what was given is in it. */
export function requested(options: RequestingOptions): Requested {
  return {
    ...(options.yes === true ? { confirmed: true } : {}),
    ...(options.again === true ? { again: true } : {}),
    ...noCacheFrom(options),
    ...(options.reference ? {} : { noReference: true }),
    ...(options.gpus === undefined ? {} : { gpus: options.gpus }),
    ...(options.approvalDeadline === undefined ? {} : { approvalDeadlineMs: options.approvalDeadline }),
    ...(options.remindAfter === undefined ? {} : { remindAfterMs: options.remindAfter }),
  };
}
