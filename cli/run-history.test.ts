import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils';
import { finishedSteps, logOf, reportOf } from './run-history';
import type { FinishedStep } from './run-history';

function stepsOf(name: string): FinishedStep[] {
  const text = readFileSync(join(__dirname, '..', 'test', 'histories', `${name}.json`), 'utf8');
  return finishedSteps(historyFromJSON(JSON.parse(text)));
}

it('finds the logs that steps left, and the report', () => {
  const steps = stepsOf('test-run-reused');
  const [infer] = steps.filter(({ id }) => id === 'infer-model');
  expect(infer && logOf(infer)).toMatch(/^sha256:/);
  expect(reportOf(steps)?.candidate.results).toMatch(/^sha256:/);
});

it('finds the log of a container that was stopped with its run', () => {
  const cancelled = stepsOf('test-run-cancelled').filter(({ recordedLog }) => recordedLog !== undefined);
  expect(cancelled.map(({ id }) => id)).toContain('infer-model');
  expect(cancelled[0]?.recordedLog).toMatch(/^medperf-/);
});

it('keeps why a step failed', () => {
  const failed = stepsOf('test-run-crash').filter(({ failure }) => failure !== null);
  expect(failed.map(({ failure }) => failure?.message).join()).toMatch(/ended with an error/);
});
