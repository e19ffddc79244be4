import type { Command } from 'commander';
import { define } from '../command';
import { EXIT } from '../exit-codes';
import { foreseenFailure, renderFailure } from '../failures';
import { renderProgress } from '../progress-view';
import { listRuns, runTable } from '../run-list';
import { followLogs, printLogs } from '../run-logs';
import { renderReasons, stepReasons } from '../run-why';
import { withAnySession } from '../session';
import type { Cli, Session } from '../session';
import { exportRun } from '../support-bundle';
import { resultOf } from '../waiting';

export function addRunCommands(program: Command): void {
  const run = program.command('run').description('Look at runs and steer them');
  define(run.command('ls').description('List the newest runs'), ['run ls', 'run ls --json'], (cli) =>
    withAnySession(cli, async ({ temporal }) => {
      const runs = await listRuns(temporal.client);
      cli.output.result(runs, () => runTable(runs));
    }),
  );
  define(
    run.command('show').description('Show every stage and step of a run').argument('<id>'),
    ['run show medperf-onboard/…/1-my-model'],
    (cli, _options, [id = '']) => withAnySession(cli, (session) => show(cli, session, id)),
  );
  define(
    run.command('watch').description('Follow a run until it ends').argument('<id>'),
    ['run watch medperf-onboard/…/1-my-model'],
    (cli, _options, [id = '']) => withAnySession(cli, (session) => watch(cli, session, id)),
  );
  define(
    run
      .command('logs')
      .description("Print the containers' logs of a run; of an id that ran more than once, those of its latest run")
      .argument('<id>')
      .argument('[step]', 'only this step, such as infer-model')
      .option('-f, --follow', 'go on with what running containers write, until the run ends (Ctrl-C: leave it)'),
    ['run logs medperf-test/…', 'run logs medperf-test/… infer-model', 'run logs -f medperf-test/… infer-model'],
    (cli, options: { follow?: boolean }, [id = '', step]) =>
      withAnySession(cli, (session) =>
        options.follow === true ? followLogs(cli, session, id, step) : printLogs(cli, session, id, step),
      ),
  );
  define(
    run
      .command('why')
      .description('Say of each container step whether it ran or an earlier result was taken, and why')
      .argument('<id>'),
    ['run why medperf-test/…', 'run why medperf-test/… --json'],
    (cli, _options, [id = '']) =>
      withAnySession(cli, async (session) => {
        const reasons = await stepReasons(session.temporal.client, id);
        cli.output.result({ id, steps: reasons }, () => renderReasons(reasons));
      }),
  );
  define(
    run
      .command('cancel')
      .description('Stop a run; a pending request is withdrawn')
      .argument('<id>')
      .option('--reason <text>', 'why; kept with the run and shown to whoever looks at it'),
    ['run cancel medperf-onboard/…/1-my-model', 'run cancel medperf-onboard/…/1-my-model --reason "wrong weights"'],
    (cli, { reason }: { reason?: string }, [id = '']) =>
      withAnySession(cli, async ({ medperf }) => {
        await medperf.cancel(id, reason);
        cli.output.result({ id }, () => `Asked ${id} to stop. See it end: temporal-medperf run watch ${id}`);
      }),
  );
  define(
    run
      .command('look')
      .description('Have a run that waits for the committee look for its decision now')
      .argument('<id>'),
    ['run look medperf-associate/…/1-4'],
    (cli, _options, [id = '']) =>
      withAnySession(cli, async ({ medperf }) => {
        await medperf.lookNow(id);
        cli.output.result({ id }, () => `Asked ${id} to look now. See it: temporal-medperf run watch ${id}`);
      }),
  );
  define(
    run
      .command('confirm')
      .description('Answer a run that waits for confirmation')
      .argument('<id>')
      .option('--no', 'do not send the request'),
    ['run confirm medperf-associate/…/1-4', 'run confirm medperf-associate/…/1-4 --no'],
    (cli, options: { no?: boolean }, [id = '']) =>
      withAnySession(cli, (session) => confirmRun(cli, session, id, options.no !== true)),
  );
  define(
    run
      .command('export')
      .description('Write a support bundle: history, progress, report and versions; no secrets, no data')
      .argument('<id>')
      .requiredOption('-o, --output <place>', 'a file that ends in .tar.gz, or a folder')
      .option(
        '--with-logs',
        "keep the lines of containers' logs that failures quote; they may say something of patients",
      ),
    ['run export medperf-test/… --output bundle.tar.gz'],
    (cli, { output, withLogs = false }: { output: string; withLogs?: boolean }, [id = '']) =>
      withAnySession(cli, async (session) => {
        await exportRun(session, id, output, { withLogs });
        cli.output.result({ id, output }, () => `Wrote ${output}.`);
      }),
  );
}

async function show(cli: Cli, { medperf, temporal }: Session, id: string): Promise<void> {
  const progress = await medperf.progress(id);
  const failure = progress.status === 'RUNNING' ? null : await failureOf(temporal.client.workflow.getHandle(id));
  cli.output.result({ ...progress, ...(failure === null ? {} : { failure }) }, () =>
    [
      `status: ${progress.status}`,
      ...renderProgress(progress, new Date(), true),
      ...(failure === null ? [] : [renderFailure(failure)]),
    ].join('\n'),
  );
}

async function failureOf(handle: { result(): Promise<unknown> }): Promise<ReturnType<typeof foreseenFailure>> {
  try {
    await handle.result();
    return null;
  } catch (error) {
    return foreseenFailure(error);
  }
}

async function watch(cli: Cli, session: Session, id: string): Promise<number> {
  const ended = await resultOf(cli, session, session.medperf.run<unknown>(id));
  const { outcome } = await session.medperf.progress(id);
  cli.output.result({ id, outcome, result: ended?.result }, () => `The run has ended: ${outcome ?? 'no outcome'}.`);
  return outcome === 'rejected' || outcome === 'expired' ? EXIT.refused : EXIT.done;
}

async function confirmRun(cli: Cli, { medperf, profile }: Session, id: string, send: boolean): Promise<void> {
  await medperf.confirm(id, { send, by: profile.username });
  cli.output.result({ id, send }, () => (send ? 'Confirmed: the request is sent.' : 'Nothing is sent.'));
}
