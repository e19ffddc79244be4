import type { Client, WorkflowExecutionStatusName } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/client';
import { MedperfError } from '../contract';
import type { Heartbeat, SweptHost } from '../contract';
import type { Engine, Execution } from '../engine/engine';

/** An execution that is not answered for in this time is left alone until the next sweep. */
const ANSWER_WITHIN_MS = 10_000;
const MOST_FAILURES_TOLD = 20;
/** A status that is not among them, also one of a newer server, may still be running. */
const CLOSED: ReadonlySet<WorkflowExecutionStatusName> = new Set([
  'COMPLETED',
  'FAILED',
  'CANCELLED',
  'TERMINATED',
  'CONTINUED_AS_NEW',
  'TIMED_OUT',
]);

export interface HostSweep {
  readonly client: Client;
  readonly engine: Pick<Engine, 'sweep'>;
  readonly signal: AbortSignal;
  readonly tell: (details: Heartbeat) => void;
}

/** Removes from this host what closed executions of the worker's namespace left there. */
export async function sweepHost({ client, engine, signal, tell }: HostSweep): Promise<SweptHost> {
  const namespaceId = await readNamespaceId(client);
  const isClosed = (owner: Execution): Promise<boolean> => {
    tell({ message: `asking about ${owner.workflowId}` });
    return isExecutionClosed(client, owner);
  };
  const report = await engine.sweep({ namespaceId, isClosed, signal });
  return {
    containers: report.containers.length,
    folders: report.folders.length,
    unanswered: report.unanswered,
    failed: report.failed.slice(0, MOST_FAILURES_TOLD).map(({ name, why }) => `${name}: ${why}`),
  };
}

/** The UUID under which the server knows the client's namespace. */
export async function readNamespaceId(client: Client): Promise<string> {
  const { namespace } = client.options;
  const { namespaceInfo } = await client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () =>
    client.workflowService.describeNamespace({ namespace }),
  );
  const id = namespaceInfo?.id;
  if (typeof id === 'string' && id !== '') return id;
  throw new MedperfError('HostLost', {
    what: `Temporal did not tell the id of its namespace ${namespace}.`,
    next: 'Nothing; it is asked again by itself.',
  });
}

/** An execution that the server does not know any more had closed before; it is asked in its own namespace only. */
export async function isExecutionClosed(client: Client, { workflowId, runId }: Execution): Promise<boolean> {
  try {
    const { status } = await client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () =>
      client.workflow.getHandle(workflowId, runId).describe(),
    );
    return CLOSED.has(status.name);
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return true;
    throw error;
  }
}
