import type { TestRunResult } from '../contract';
import { table } from './tables';

/** Both models' numbers side by side, and what identifies the report. */
export function renderTestReport(result: TestRunResult): string {
  const { candidate, reference } = result;
  const metrics = new Set([...Object.keys(candidate.headline), ...Object.keys(reference?.headline ?? {})]);
  const columns = ['Metric', candidate.model, ...(reference === null ? [] : [`${reference.model} (reference)`])];
  const rows = [...metrics].map((name) => [
    name,
    number(candidate.headline[name]),
    ...(reference === null ? [] : [number(reference.headline[name])]),
  ]);
  return [
    'The model is compatible: the test passed.',
    '',
    table(columns, rows),
    '',
    `report: ${result.report}`,
    `prepared data: ${result.preparedDataHash}`,
    ...(result.reused ? ['Every result was reused; no container was started.'] : []),
  ].join('\n');
}

function number(value: number | undefined): string {
  return value === undefined ? '' : Number.isInteger(value) ? String(value) : value.toFixed(4);
}
