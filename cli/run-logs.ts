import { once } from 'node:events';
import { StringDecoder } from 'node:string_decoder';
import { pendingWithShared } from '../client/read-progress';
import type { PendingStep } from '../client/read-progress';
import { readRecordedLog } from '../engine/recorded-log';
import { EXIT } from './exit-codes';
import { LogFollower } from './log-follower';
import { readableLines } from './log-lines';
import { finishedUntilNow } from './run-history';
import type { Cli, Session } from './session';
import { logOfFinished } from './step-log';
import type { StepLog } from './step-log';
import { detachable } from './waiting';

/** Prints what the containers of a run have written until now. */
export async function printLogs(cli: Cli, session: Session, id: string, wanted?: string): Promise<void> {
  endWithReader();
  const logs = logsUntilNow(session, id, wanted);
  let any = false;
  if (cli.output.json) await print('[');
  for await (const log of logs) {
    if (cli.output.json) await printJson(log, any ? ',' : '');
    else await printText(log);
    any = true;
  }
  if (cli.output.json) await print(']\n');
  else if (!any) await print('No container has left a log in this run yet.\n');
}

/** Prints the same and goes on until the run ends; Ctrl-C throws `Detached`. */
export async function followLogs(cli: Cli, session: Session, id: string, wanted?: string): Promise<void> {
  endWithReader();
  const show = async (log: StepLog): Promise<void> => {
    const { step, chunks } = log;
    for await (const lines of readableLines(chunks)) {
      await print(lines.map((line) => shownLine(cli, step, line, wanted === undefined)).join(''));
    }
  };
  await detachable(cli, id, () => new LogFollower(session, id, wanted, show).follow());
}

async function* logsUntilNow(session: Session, id: string, wanted: string | undefined): AsyncGenerator<StepLog> {
  const { client } = session.temporal;
  const pending = await pendingWithShared(client, await client.workflow.getHandle(id).describe());
  for (const step of await finishedUntilNow(client, id, pending)) {
    if (wanted !== undefined && step.id !== wanted) continue;
    const log = await logOfFinished(session, step);
    if (log !== null) yield log;
  }
  for (const [step, { heartbeat }] of pending) {
    if ((wanted !== undefined && step !== wanted) || heartbeat?.lastLogLine === undefined) continue;
    yield { step, chunks: logOfRunning(session, heartbeat) };
  }
}

/** What is recorded by now; of a log too young for that, its newest line. */
async function* logOfRunning(
  { store }: Session,
  { log, lastLogLine = '' }: NonNullable<PendingStep['heartbeat']>,
): AsyncGenerator<Uint8Array> {
  let empty = true;
  const { signal } = new AbortController();
  if (log !== undefined) {
    for await (const chunk of readRecordedLog(store, log, { follow: false, signal })) {
      empty = false;
      yield chunk;
    }
  }
  if (empty) yield Buffer.from(`${lastLogLine}\n`);
}

async function printText({ step, chunks }: StepLog): Promise<void> {
  await print(`--- ${step}\n`);
  for await (const lines of readableLines(chunks)) await print(lines.map((line) => `${line}\n`).join(''));
}

/** One object of the array, its text written as it is read. */
async function printJson({ step, chunks }: StepLog, separator: string): Promise<void> {
  const decoder = new StringDecoder('utf8');
  await print(`${separator}\n  {"step":${JSON.stringify(step)},"log":"`);
  for await (const chunk of chunks) await print(inJson(decoder.write(Buffer.from(chunk))));
  await print(`${inJson(decoder.end())}"}`);
}

function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

function shownLine(cli: Cli, step: string, line: string, named: boolean): string {
  if (cli.output.json) return `${JSON.stringify({ step, log: line })}\n`;
  return named ? `${step} | ${line}\n` : `${line}\n`;
}

async function print(text: string): Promise<void> {
  if (text !== '' && !process.stdout.write(text)) await once(process.stdout, 'drain');
}

/** A reader such as `head` that has had enough is no error. */
function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.done);
    throw error;
  });
}
