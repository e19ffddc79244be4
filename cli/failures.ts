import { isGrpcServiceError } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure, TerminatedFailure, TimeoutFailure } from '@temporalio/common';
import { isUnknownRun } from '../client';
import { formatFinding, isFailureType, MedperfError } from '../contract';
import type { FailureFacts } from '../contract';
import { exitCodeOf } from './exit-codes';
import { TemporalUnavailable } from './temporal-unavailable';
import { WrongUse } from './wrong-use';

/** A foreseen failure as the command line reports it. */
export interface ForeseenFailure {
  readonly type: string;
  readonly facts: FailureFacts;
  readonly exitCode: number;
}

/** gRPC status codes that say that the server is not there. */
const GRPC_UNAVAILABLE = new Set([4, 14]);

/** The innermost failure that we know, anywhere in the chain of causes; null for a defect of ours. */
export function foreseenFailure(error: unknown): ForeseenFailure | null {
  let found: ForeseenFailure | null = null;
  for (let cause = error; cause instanceof Error; cause = cause.cause) found = known(cause) ?? found;
  return found;
}

function known(error: Error): ForeseenFailure | null {
  if (error instanceof MedperfError) return failure(error.type, error.facts);
  if (error instanceof WrongUse) return failure('WrongUse', error.facts);
  if (error instanceof ApplicationFailure) return applicationFailure(error);
  if (error instanceof CancelledFailure) return failure('Cancelled', ended('was cancelled'));
  if (error instanceof TerminatedFailure) return failure('Terminated', ended('was terminated by an operator'));
  if (error instanceof TimeoutFailure) return failure('TimedOut', ended('ran out of time'));
  if (isUnknownRun(error)) return failure('UnknownRun', UNKNOWN_RUN);
  if (error instanceof TemporalUnavailable)
    return failure('TemporalUnavailable', { ...NO_TEMPORAL, what: error.message });
  if (isGrpcServiceError(error) && GRPC_UNAVAILABLE.has(error.code)) return failure('TemporalUnavailable', NO_TEMPORAL);
  return null;
}

function applicationFailure(error: ApplicationFailure): ForeseenFailure {
  const facts = error.details?.[0];
  const type = error.type ?? 'Failed';
  if (isFailureType(type) && isFacts(facts)) return failure(type, facts);
  return failure(type, { what: error.message, next: 'look at the run: temporal-medperf run ls' });
}

function isFacts(value: unknown): value is FailureFacts {
  return typeof value === 'object' && value !== null && 'what' in value && 'next' in value;
}

function failure(type: string, facts: FailureFacts): ForeseenFailure {
  return { type, facts, exitCode: exitCodeOf(type) };
}

function ended(how: string): FailureFacts {
  return { what: `The run ${how}.`, next: 'start it again: what is done already is not done twice.' };
}

const UNKNOWN_RUN: FailureFacts = {
  what: 'Temporal does not know a run of this id.',
  next: 'list the runs: temporal-medperf run ls',
};

const NO_TEMPORAL: FailureFacts = {
  what: 'Temporal does not answer.',
  next: 'start the dev stack (temporal-medperf dev start), or set TEMPORAL_ADDRESS to your server.',
};

/** The failure for people, one part a line. */
export function renderFailure({ facts }: Pick<ForeseenFailure, 'facts'>): string {
  const lines = [`error: ${facts.what}`];
  if (facts.expected !== undefined) lines.push(`  expected: ${facts.expected}`);
  if (facts.found !== undefined) lines.push(`  found: ${facts.found}`);
  for (const finding of facts.findings ?? []) lines.push(`  ${formatFinding(finding)}`);
  if (facts.log !== undefined && facts.log.length > 0) {
    lines.push("  last lines of the container's log:", ...facts.log.map((line) => `  | ${line}`));
  }
  lines.push(`  next: ${facts.next}`);
  return lines.join('\n');
}
