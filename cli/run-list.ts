import type { Client } from '@temporalio/client';
import { SEARCH_ATTRIBUTES, WORKFLOWS } from '../contract';
import { table } from './tables';

export interface ListedRun {
  readonly id: string;
  readonly workflow: string;
  readonly status: string;
  readonly stage: string | null;
  readonly model: string | null;
  readonly benchmark: string | null;
  readonly outcome: string | null;
  /** ISO 8601. */
  readonly started: string;
}

/** Newest runs shown at once; Temporal's own UI pages through all. */
const LIMIT = 100;
/** All but the sweeps, which the worker runs for itself. */
const TYPES = Object.values(WORKFLOWS)
  .filter((name) => name !== WORKFLOWS.sweep)
  .map((name) => `'${name}'`)
  .join(', ');

/** The newest runs of our workflows, newest first. */
export async function listRuns(client: Client): Promise<ListedRun[]> {
  const runs: ListedRun[] = [];
  for await (const run of client.workflow.list({ query: `WorkflowType IN (${TYPES})`, pageSize: LIMIT })) {
    const attributes = new Map(run.typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]));
    const text = (name: string): string | null => {
      const value = attributes.get(name);
      return typeof value === 'string' ? value : null;
    };
    runs.push({
      id: run.workflowId,
      workflow: run.type,
      status: run.status.name,
      stage: text(SEARCH_ATTRIBUTES.stage),
      model: text(SEARCH_ATTRIBUTES.model),
      benchmark: text(SEARCH_ATTRIBUTES.benchmark),
      outcome: text(SEARCH_ATTRIBUTES.outcome),
      started: run.startTime.toISOString(),
    });
    if (runs.length >= LIMIT) break;
  }
  return runs;
}

export function runTable(runs: readonly ListedRun[]): string {
  return table(
    ['ID', 'Status', 'Stage', 'Model', 'Outcome', 'Started'],
    runs.map((run) => [run.id, run.status, run.stage, run.model, run.outcome, run.started]),
  );
}
