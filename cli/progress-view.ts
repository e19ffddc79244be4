import type { LiveProgress, LiveStep } from '../client';
import type { Need, StageProgress, StepStatus } from '../contract';
import { plainLine } from '../engine/log-tail';

const MARKS: Readonly<Record<StepStatus, string>> = {
  waiting: '·',
  running: '▶',
  done: '✓',
  failed: '✗',
  cancelled: '–',
};
const BAR_WIDTH = 10;

/** A run as a block of lines; `all` also shows the steps of stages that are over. */
export function renderProgress(progress: LiveProgress, now: Date, all = false): string[] {
  const lines = [headline(progress)];
  for (const stage of progress.stages) {
    lines.push(`${MARKS[stage.status]} ${stage.stage}${elapsed(stage, now)}`);
    if (all || stage.status === 'running') lines.push(...stage.steps.flatMap((step) => renderStep(step, now)));
  }
  for (const need of progress.needs) lines.push(...waitLines(need));
  lines.push(...cancellation(progress));
  if (progress.outcome !== null) lines.push(`outcome: ${progress.outcome}`);
  return lines;
}

/** What happened between two readings, a line each, for output that is no terminal. */
export function progressChanges(before: LiveProgress | null, after: LiveProgress): string[] {
  const known = new Set(before === null ? [] : events(before));
  return events(after).filter((event) => !known.has(event));
}

/** Cuts lines to the terminal's width, so that a repaint knows how many rows it painted. */
export function fitted(lines: readonly string[], columns: number): string[] {
  return lines.map((line) => (line.length < columns ? line : `${line.slice(0, Math.max(0, columns - 2))}…`));
}

export function formatSeconds(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function headline({ model, benchmark, id }: LiveProgress): string {
  return `${model}${benchmark === null ? '' : ` with benchmark ${benchmark}`} (${id})`;
}

function renderStep(step: LiveStep, now: Date): string[] {
  const within = (step.steps ?? []).flatMap((part) => renderStep(part, now)).map((line) => `    ${line}`);
  const lines = [`    ${MARKS[step.status]} ${step.name}${advance(step, now)}${remark(step)}`];
  if (step.status !== 'running') return [...lines, ...within];
  const trouble = troubleOf(step);
  if (trouble !== null) lines.push(`        ${trouble}${retryIn(step, now)}`);
  const last = step.heartbeat?.lastLogLine ?? step.heartbeat?.message;
  if (last !== undefined) lines.push(`        | ${last}`);
  return [...lines, ...within];
}

function waitLines({ from, message, until, reminders }: Need): string[] {
  const lines = [`waits for ${from}: ${message}${until === undefined ? '' : ` (until ${minute(until)})`}`];
  if (reminders === undefined) return lines;
  const where = reminders.sent ? 'sent' : 'seen only here';
  return [...lines, `reminder ${reminders.count} at ${minute(reminders.last)}, ${where}`];
}

function minute(time: string): string {
  return `${time.slice(0, 16).replace('T', ' ')} UTC`;
}

function troubleOf(step: LiveStep): string | null {
  if (step.lastFailure === undefined) return null;
  const attempt = step.attempt ?? 1;
  return `attempt ${Math.max(1, attempt - 1)} failed: ${firstLine(step.lastFailure)}`;
}

function retryIn({ nextRetryAt }: LiveStep, now: Date): string {
  if (nextRetryAt === undefined) return '';
  const seconds = (Date.parse(nextRetryAt) - now.getTime()) / 1000;
  return seconds > 0 ? `; next attempt in ${formatSeconds(seconds)}` : '';
}

/** How far a running step is: by its own word, else by the clock. */
function advance(step: LiveStep, now: Date): string {
  const { share, startedAt, usualSeconds } = step.heartbeat ?? {};
  const running = step.status === 'running';
  // Waiting for its image or a GPU does not count as running.
  const time = elapsed(running && startedAt !== undefined ? { startedAt, endedAt: null } : step, now);
  if (!running) return time;
  if (share !== undefined) return `  ${bar(share)}${time}`;
  if (startedAt === undefined || usualSeconds === undefined) return time;
  const seconds = Math.max(0, now.getTime() - Date.parse(startedAt)) / 1000;
  const of = seconds <= usualSeconds ? ' of about ' : ', usually about ';
  return `  ${roughly(seconds)}${of}${roughly(usualSeconds)}`;
}

function bar(share: number): string {
  const part = Math.min(1, Math.max(0, share));
  const full = Math.floor(part * BAR_WIDTH);
  return `[${'#'.repeat(full)}${'.'.repeat(BAR_WIDTH - full)}] ${Math.floor(part * 100)} %`;
}

/** In whole seconds, minutes or, from three hours on, hours. */
function roughly(seconds: number): string {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  return seconds < 3 * 3600 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3600)} h`;
}

function cancellation({ cancelledBy, status }: LiveProgress): string[] {
  if (cancelledBy === undefined) return [];
  const { identity, at, reason } = cancelledBy;
  const asked = status === 'RUNNING' ? 'is being cancelled, asked for' : 'cancelled';
  const why = reason === undefined ? '' : `: ${plainLine(reason)}`;
  return [`${asked} by ${plainLine(identity)} at ${at.slice(0, 19).replace('T', ' ')} UTC${why}`];
}

function elapsed({ startedAt, endedAt }: Pick<StageProgress, 'startedAt' | 'endedAt'>, now: Date): string {
  if (startedAt === null) return '';
  const end = endedAt === null ? now.getTime() : Date.parse(endedAt);
  return `  ${formatSeconds(Math.max(0, end - Date.parse(startedAt)) / 1000)}`;
}

function events(progress: LiveProgress): string[] {
  const lines = [headline(progress)];
  for (const stage of progress.stages) {
    if (stage.status === 'waiting') continue;
    lines.push(`${stage.stage}: started`);
    for (const [at, step] of stage.steps.entries()) lines.push(...stepEvents(`${stage.stage} ${at + 1}`, step));
    if (stage.endedAt !== null) lines.push(`${stage.stage}: ${stage.status}${elapsed(stage, new Date(stage.endedAt))}`);
  }
  for (const need of progress.needs) lines.push(...waitLines(need));
  lines.push(...cancellation(progress));
  if (progress.outcome !== null) lines.push(`outcome: ${progress.outcome}`);
  return lines;
}

function stepEvents(place: string, step: LiveStep): string[] {
  if (step.endedAt !== null) {
    return [`${place}: ${step.name}: ${step.status}${elapsed(step, new Date(step.endedAt))}${remark(step)}`];
  }
  const trouble = troubleOf(step);
  return [`${place}: ${step.name}`, ...(trouble === null ? [] : [`${place}: ${trouble}`])];
}

function remark({ reused, detail }: LiveStep): string {
  return `${reused === true ? ', reused' : ''}${detail === undefined ? '' : `, ${detail}`}`;
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
