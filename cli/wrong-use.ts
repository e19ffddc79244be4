import { failureMessage, MedperfError } from '../contract';
import type { FailureFacts } from '../contract';

/** The command was given what it cannot take; nothing was started. */
export class WrongUse extends Error {
  override readonly name = 'WrongUse';

  constructor(readonly facts: FailureFacts) {
    super(failureMessage(facts));
  }
}

/** Runs a check of the command's own arguments; what it refuses is wrong use. */
export function asWrongUse<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (error instanceof MedperfError && error.type === 'InvalidRequest') throw new WrongUse(error.facts);
    throw error;
  }
}
