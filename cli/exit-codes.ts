import { FAILURE_TYPES, isFailureType } from '../contract';
import type { FailureOwner } from '../contract';

/** What the command's end says to a script. */
export const EXIT = {
  done: 0,
  failed: 1,
  wrongUse: 2,
  refused: 3,
  waitsForPerson: 4,
  placeUnavailable: 5,
  detached: 130,
} as const;

const BY_OWNER: Readonly<Record<FailureOwner, number>> = {
  model: EXIT.failed,
  request: EXIT.failed,
  place: EXIT.placeUnavailable,
  person: EXIT.waitsForPerson,
};

/** Failures that only the command line knows. */
const BY_TYPE: Readonly<Record<string, number>> = {
  RegistryRejected: EXIT.refused,
  WrongUse: EXIT.wrongUse,
  TemporalUnavailable: EXIT.placeUnavailable,
};

/** The exit code of a failure type; an unknown type has failed. */
export function exitCodeOf(type: string): number {
  return BY_TYPE[type] ?? (isFailureType(type) ? BY_OWNER[FAILURE_TYPES[type]] : EXIT.failed);
}

export const EXIT_CODES_HELP = `
Exit codes:
  ${EXIT.done}    done
  ${EXIT.failed}    failed
  ${EXIT.wrongUse}    wrong use of the command
  ${EXIT.refused}    refused by the registry or the benchmark's committee, or not decided in time
  ${EXIT.waitsForPerson}    waits for a person; the message says for what, and the run goes on waiting
  ${EXIT.placeUnavailable}    a place is unavailable: registry, Temporal, Docker or store
  ${EXIT.detached}  detached with Ctrl-C; the run goes on
`;
