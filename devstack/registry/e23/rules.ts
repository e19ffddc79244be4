import { now } from '../clock';
import { afterwards } from '../resource';
import type { Derivation, Rule } from '../resource';

/** A decision on a benchmark waits until it is operational. */
export const decidedInOperation: Rule = ({ existing, values }) =>
  'approval_status' in values && existing?.state === 'DEVELOPMENT'
    ? 'User cannot approve or reject a benchmark that is in development'
    : null;

/** This server stamps the time of the approval anew with every PUT after it. */
export const stampWhileDecided: Derivation = (change) =>
  change.existing !== null && afterwards(change).approval_status !== 'PENDING' ? { approved_at: now() } : {};
