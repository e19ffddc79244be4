import { stringify } from 'yaml';
import type { LiveProgress, Run } from '../client';
import type { AssociateResult } from '../contract';
import { EXIT } from './exit-codes';
import { follow } from './follow';
import { confirm, isInteractive } from './prompts';
import { finishedSteps, reportOf } from './run-history';
import type { Cli, Session } from './session';
import { detachable } from './waiting';

export interface RequestOptions {
  /** Stay until the committee has decided. */
  readonly wait?: boolean;
  /** Confirm without asking, also a run that was started without it. */
  readonly yes?: boolean;
}

const RULE = '='.repeat(20);

/**
 * Follows a run up to its request: asks the person to confirm, and returns once the request is sent or, with `wait`,
 * decided.
 * @returns the exit code.
 */
export async function followRequest<T>(
  cli: Cli,
  session: Session,
  run: Run<T>,
  { wait = false, yes = false }: RequestOptions,
  associationOf: (result: T) => AssociateResult,
): Promise<number> {
  const pauses = (progress: LiveProgress): boolean =>
    needs(progress, 'confirmation') || (!wait && needs(progress, 'committee-decision'));
  return detachable(cli, run.id, async () => {
    for (;;) {
      const followed = await follow(session, cli.output, run, pauses);
      if (followed.ended) return printDecision(cli, run.id, followed.result, associationOf(followed.result));
      if (!needs(followed.progress, 'confirmation')) return printSent(cli, run.id);
      if (!yes && !isInteractive()) return printUnconfirmed(cli, run.id);
      const send = yes || (await askToSend(cli, session, followed.progress));
      await session.medperf.confirm(run.id, { send, by: session.profile.username });
    }
  });
}

function needs(progress: LiveProgress, what: LiveProgress['needs'][number]['what']): boolean {
  return progress.needs.some((need) => need.what === what);
}

async function askToSend(cli: Cli, session: Session, progress: LiveProgress): Promise<boolean> {
  cli.output.note(await executionSummary(session, progress.id));
  const need = progress.needs.find(({ what }) => what === 'confirmation');
  return confirm(`Please ${need?.message ?? 'confirm sending the request'}`);
}

async function executionSummary({ temporal, store }: Session, id: string): Promise<string> {
  const report = reportOf(finishedSteps(await temporal.client.workflow.getHandle(id).fetchHistory()));
  const results: unknown =
    report === null ? null : JSON.parse((await store.readBytes(report.candidate.results)).toString('utf8'));
  return [
    "These are the results of the model's compatibility test on the benchmark's data.",
    'They go to the benchmark committee together with the request.',
    "They do not count among the benchmark's own results.",
    RULE,
    stringify(results).trimEnd(),
    RULE,
  ].join('\n');
}

function printDecision(cli: Cli, id: string, result: unknown, association: AssociateResult): number {
  const { decision, benchmark, modelUid } = association;
  const pair = `model ${modelUid} with benchmark ${benchmark}`;
  const words = {
    APPROVED: `The association of ${pair} is approved.`,
    DECLINED: `The request for ${pair} was not confirmed; the committee has none before it.`,
    EXPIRED: `The committee has not decided on ${pair} in time, and the request is withdrawn.\n  next: to ask again, add --again.`,
    REJECTED: `The association of ${pair} was rejected, or the request was withdrawn.\n  next: to ask again after changes, add --again.`,
  } as const;
  cli.output.result({ id, ...(result as object) }, () => words[decision]);
  return decision === 'REJECTED' || decision === 'EXPIRED' ? EXIT.refused : EXIT.done;
}

function printSent(cli: Cli, id: string): number {
  cli.output.result({ id, waitsFor: 'committee-decision' }, () =>
    [
      'The request is sent and waits for the benchmark committee.',
      `See it: temporal-medperf association ls    Wait for the decision: temporal-medperf run watch ${id}`,
    ].join('\n'),
  );
  return EXIT.done;
}

function printUnconfirmed(cli: Cli, id: string): number {
  cli.output.result({ id, waitsFor: 'confirmation' }, () =>
    [
      'Nothing is sent yet: the run waits for your confirmation.',
      `  next: look at the results (temporal-medperf run show ${id}),`,
      `        then send them (temporal-medperf run confirm ${id}) or not (temporal-medperf run confirm ${id} --no).`,
    ].join('\n'),
  );
  return EXIT.waitsForPerson;
}
