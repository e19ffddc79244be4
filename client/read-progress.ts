import { isGrpcServiceError, QueryNotRegisteredError, QueryRejectedError, ServiceError } from '@temporalio/client';
import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { temporal } from '@temporalio/proto';
import { MedperfError } from '../contract';
import type { FailureType, Heartbeat, Progress, SharedRun, StepProgress } from '../contract';

/** A step with what only the server knows of its activity. */
export interface LiveStep extends Omit<StepProgress, 'steps'> {
  readonly steps?: readonly LiveStep[];
  readonly attempt?: number;
  /** Why the last attempt failed. */
  readonly lastFailure?: string;
  /** ISO 8601. */
  readonly nextRetryAt?: string;
  readonly heartbeat?: Heartbeat;
}

/** Who asked a run to stop. */
export interface Cancellation {
  /** As the asking client named itself: a user of `run cancel`, or another program. */
  readonly identity: string;
  /** ISO 8601. */
  readonly at: string;
  readonly reason?: string;
}

export interface LiveProgress extends Omit<Progress, 'stages'> {
  readonly id: string;
  /** Temporal's status of the workflow, such as `RUNNING` or `COMPLETED`. */
  readonly status: string;
  /** Also while the run is still about to end for it. */
  readonly cancelledBy?: Cancellation;
  readonly stages: readonly (Omit<Progress['stages'][number], 'steps'> & { readonly steps: readonly LiveStep[] })[];
}

type HistoryPage = temporal.api.workflowservice.v1.GetWorkflowExecutionHistoryReverseResponse;

const HISTORY_PAGE = 100;
const QUERY_DEADLINE_MS = 10_000;
/** gRPC's words for it: cancelled at the deadline, deadline exceeded, failed precondition (no worker polled yet). */
const UNANSWERED = new Set([1, 4, 9]);

/**
 * Merges the workflow's own word with the server's list of pending activities.
 * @throws MedperfError `HostLost` while no worker answers.
 */
export async function readProgress(client: Client, id: string): Promise<LiveProgress> {
  const handle = client.workflow.getHandle(id);
  const description = await handle.describe();
  const progress = await queryProgress(client, id);
  const pending = pendingSteps(description);
  const shared = await readSharedSteps(client, pending);
  const stages = progress.stages.map((stage) => ({
    ...stage,
    steps: stage.steps.map((step) =>
      step.status === 'running'
        ? { ...step, ...pending.get(step.activityId ?? ''), ...shared.get(step.activityId ?? '') }
        : step,
    ),
  }));
  const cancelledBy = isCancelled(description) ? await readCancellation(client, description) : null;
  return {
    ...progress,
    id,
    status: description.status.name,
    ...(cancelledBy === null ? {} : { cancelledBy }),
    stages,
  };
}

function isCancelled({ status, raw }: WorkflowExecutionDescription): boolean {
  return status.name === 'CANCELLED' || raw.workflowExtendedInfo?.cancelRequested === true;
}

/** The request lies near the end of the history, so it is looked for from there. */
async function readCancellation(
  client: Client,
  { workflowId, runId }: WorkflowExecutionDescription,
): Promise<Cancellation | null> {
  let nextPageToken: Uint8Array | null = null;
  do {
    const page: HistoryPage = await client.workflowService.getWorkflowExecutionHistoryReverse({
      namespace: client.options.namespace,
      execution: { workflowId, runId },
      maximumPageSize: HISTORY_PAGE,
      nextPageToken,
    });
    for (const { workflowExecutionCancelRequestedEventAttributes: request, eventTime } of page.history?.events ?? []) {
      if (!request) continue;
      return {
        identity: request.identity || 'an unnamed client',
        at: new Date(Number(eventTime?.seconds ?? 0) * 1000).toISOString(),
        ...(request.cause ? { reason: request.cause } : {}),
      };
    }
    nextPageToken = page.nextPageToken;
  } while (nextPageToken.length > 0);
  return null;
}

/** Only a worker can answer a query; without one it would wait until its deadline. */
async function queryProgress(client: Client, id: string): Promise<Progress> {
  const handle = client.workflow.getHandle(id);
  try {
    return await client.connection.withDeadline(Date.now() + QUERY_DEADLINE_MS, () =>
      handle.query<Progress>('progress'),
    );
  } catch (error) {
    if (!isUnanswered(error)) throw error;
    throw new MedperfError(
      'HostLost',
      {
        what: `No control worker answers, so the progress of ${id} is not known now. The run itself is safe.`,
        next: 'start a worker: temporal-medperf worker start (on this machine: temporal-medperf dev start).',
      },
      { cause: error },
    );
  }
}

function isUnanswered(error: unknown): boolean {
  if (error instanceof QueryNotRegisteredError || error instanceof QueryRejectedError) return true;
  // The client wraps what the connection threw.
  const cause = error instanceof ServiceError ? error.cause : error;
  return isGrpcServiceError(cause) && UNANSWERED.has(cause.code);
}

/** The steps of shared runs that a run waits for, by the waiting activity's id. One that does not answer is left out. */
async function readSharedSteps(
  client: Client,
  pending: ReadonlyMap<string, PendingStep>,
): Promise<ReadonlyMap<string, Pick<LiveStep, 'shared' | 'steps'>>> {
  const found = new Map<string, Pick<LiveStep, 'shared' | 'steps'>>();
  for (const [step, { heartbeat }] of pending) {
    if (heartbeat?.shared === undefined) continue;
    const { shared } = heartbeat;
    const stages = await readProgress(client, shared.id).then(
      (progress) => progress.stages,
      () => [],
    );
    found.set(step, { shared, steps: stages.flatMap(({ steps }) => steps) });
  }
  return found;
}

/** As {@link pendingSteps}, with those of the shared runs that are waited for. */
export async function pendingWithShared(
  client: Client,
  description: WorkflowExecutionDescription,
): Promise<ReadonlyMap<string, PendingStep>> {
  const pending = new Map(pendingSteps(description));
  for (const { id, runId } of sharedRuns(pending)) {
    const shared = await client.workflow.getHandle(id, runId).describe();
    for (const [step, live] of pendingSteps(shared)) if (!pending.has(step)) pending.set(step, live);
  }
  return pending;
}

/** The shared runs that a run waits for. */
export function sharedRuns(pending: ReadonlyMap<string, PendingStep>): SharedRun[] {
  return [...pending.values()].flatMap(({ heartbeat }) => heartbeat?.shared ?? []);
}

export type PendingStep = Omit<LiveStep, keyof StepProgress>;

/** What the server knows of activities under way, by activity id; also while no worker is there. */
export function pendingSteps(description: WorkflowExecutionDescription): ReadonlyMap<string, PendingStep> {
  const pending = new Map<string, PendingStep>();
  for (const activity of description.raw.pendingActivities ?? []) {
    const heartbeat = activity.heartbeatDetails?.payloads?.[0];
    const next = activity.nextAttemptScheduleTime;
    pending.set(activity.activityId ?? '', {
      attempt: activity.attempt ?? 1,
      ...shownFailure(activity.lastFailure),
      ...(next?.seconds ? { nextRetryAt: new Date(Number(next.seconds) * 1000).toISOString() } : {}),
      ...(heartbeat ? { heartbeat: shownHeartbeat(heartbeat) } : {}),
    });
  }
  return pending;
}

/** An attempt that found no decision yet did not fail. */
function shownFailure(failure: temporal.api.failure.v1.IFailure | null | undefined): Pick<LiveStep, 'lastFailure'> {
  const isUndecided = failure?.applicationFailureInfo?.type === ('Undecided' satisfies FailureType);
  return failure?.message && !isUndecided ? { lastFailure: failure.message } : {};
}

/** Without what lets others go on with an upload. */
function shownHeartbeat(payload: temporal.api.common.v1.IPayload): Heartbeat {
  const { uploads: _, ...shown } = defaultPayloadConverter.fromPayload<Heartbeat>(payload);
  return shown;
}
