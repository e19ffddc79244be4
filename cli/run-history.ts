import type { Client } from '@temporalio/client';
import type { temporal } from '@temporalio/proto';
import { defaultFailureConverter, defaultPayloadConverter } from '@temporalio/common';
import { z } from 'zod';
import { sharedRuns } from '../client/read-progress';
import type { PendingStep } from '../client/read-progress';
import { isDigest } from '../contract';
import type { Digest } from '../contract';

type History = temporal.api.history.v1.IHistory;

/** An activity's end as the history keeps it. */
export interface FinishedStep {
  readonly id: string;
  readonly result: unknown;
  readonly failure: Error | null;
  /** The run that several share, in which the step was done. */
  readonly shared?: string;
  /** Name under which the container's log of a cancelled step is recorded. */
  readonly recordedLog?: string;
}

const digest = z.custom<Digest>(isDigest);
const ModelResultSchema = z.object({ model: z.string(), results: digest, log: digest });
const ReportSchema = z.object({ report: digest, candidate: ModelResultSchema });
const LoggedSchema = z.object({ log: digest });
const JoinedSchema = z.object({
  shared: z.object({ id: z.string() }),
  runs: z.array(z.object({ step: z.string(), result: z.unknown() })),
});
/** How the ids of activities that ask the cache for a step begin. */
const LOOK_UP = 'find-';
const LastHeartbeatSchema = z.object({ log: z.string() });

/** Ended activities, oldest first, with those of shared runs that the run still waits for. */
export async function finishedUntilNow(
  client: Client,
  id: string,
  pending: ReadonlyMap<string, PendingStep>,
): Promise<FinishedStep[]> {
  const steps = finishedSteps(await client.workflow.getHandle(id).fetchHistory());
  for (const shared of sharedRuns(pending)) {
    const history = await client.workflow.getHandle(shared.id, shared.runId).fetchHistory();
    steps.push(...finishedSteps(history).map((step) => ({ ...step, shared: shared.id })));
  }
  return steps;
}

/** Ended activities, oldest first. */
export function finishedSteps(history: History): FinishedStep[] {
  const ids = new Map<string, string>();
  const steps: FinishedStep[] = [];
  for (const event of history.events ?? []) {
    const scheduled = event.activityTaskScheduledEventAttributes;
    if (scheduled) ids.set(String(event.eventId), scheduled.activityId ?? '');
    const completed = event.activityTaskCompletedEventAttributes;
    if (completed) {
      const [payload] = completed.result?.payloads ?? [];
      const result: unknown = payload ? defaultPayloadConverter.fromPayload(payload) : undefined;
      steps.push(...completedSteps(ids.get(String(completed.scheduledEventId)) ?? '', result));
    }
    const failed = event.activityTaskFailedEventAttributes;
    const cancelled = event.activityTaskCanceledEventAttributes;
    const ended = failed ?? event.activityTaskTimedOutEventAttributes ?? cancelled;
    if (ended) {
      const failure = failed?.failure
        ? defaultFailureConverter.failureToError(failed.failure, defaultPayloadConverter)
        : null;
      const id = ids.get(String(ended.scheduledEventId)) ?? '';
      const recordedLog = recordedLogOf(cancelled?.details?.payloads?.[0]);
      steps.push({ id, result: undefined, failure, ...(recordedLog === null ? {} : { recordedLog }) });
    }
  }
  return steps;
}

/** What a test took from the cache or from a run that it shares counts as if it had done it itself. */
function completedSteps(id: string, result: unknown): FinishedStep[] {
  const joined = JoinedSchema.safeParse(result);
  if (joined.success) {
    const { runs, shared } = joined.data;
    return runs.map(({ step, result: taken }) => ({ id: step, result: taken, failure: null, shared: shared.id }));
  }
  if (!id.startsWith(LOOK_UP)) return [{ id, result, failure: null }];
  return result === null ? [] : [{ id: id.slice(LOOK_UP.length), result, failure: null }];
}

/** A cancelled activity ends with its last heartbeat. */
function recordedLogOf(payload: temporal.api.common.v1.IPayload | undefined): string | null {
  const told = LastHeartbeatSchema.safeParse(payload && defaultPayloadConverter.fromPayload(payload));
  return told.success ? told.data.log : null;
}

/** The test report that the run wrote, or null as long as there is none. */
export function reportOf(steps: readonly FinishedStep[]): z.infer<typeof ReportSchema> | null {
  const written = steps.findLast(({ id, result }) => id === 'report' && result !== undefined);
  return written === undefined ? null : ReportSchema.parse(written.result);
}

/** The container's log that a step left in the store, or null for a step without a container. */
export function logOf(step: FinishedStep): Digest | null {
  const logged = LoggedSchema.safeParse(step.result);
  return logged.success ? logged.data.log : null;
}
