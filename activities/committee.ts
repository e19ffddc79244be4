import { isSameSubject, MedperfError } from '../contract';
import type {
  CommitteeLook,
  MadeWhileTestHolds,
  PairInput,
  RequestStanding,
  TestedPairInput,
  WithdrawInput,
  WithdrawResult,
} from '../contract';
import type { AssociationRecord, Registry } from '../registry';
import { benchmarkFacts } from './resolve-benchmark';
import { readSubject, testSubject } from './test-subject';

/** One look at the committee's decision; none yet is a failure that the server retries after a growing interval. */
export async function pollAssociation(
  registry: Registry,
  pair: TestedPairInput,
  signal: AbortSignal,
): Promise<CommitteeLook> {
  const row = await registry.association(pair.modelUid, pair.benchmark, signal);
  if (row === null) {
    throw new MedperfError('RegistryRejected', {
      what: `The request to associate ${wordsFor(pair)} is no longer in the registry.`,
      next: 'ask the benchmark owner why it was deleted; then request again.',
    });
  }
  if (row.status !== 'PENDING') return { decision: row.status };
  const now = await readSubject(registry, pair, signal);
  if (!isSameSubject(now, pair.subject)) return { decision: null, changedTo: now };
  throw new MedperfError('Undecided', {
    what: `The committee of benchmark ${pair.benchmark} has not decided on model ${pair.modelUid} yet.`,
    next: 'wait; nothing is to be done here.',
  });
}

/** How attempts of one withdrawal know of each other: whoever rejected a request, the row looks the same. */
export interface WithdrawalAttempts {
  /** An earlier attempt may have withdrawn the request. */
  readonly begunBefore: boolean;
  /** Tells the next attempt that this one may have. */
  readonly begin: () => void;
}

/** Takes one's own pending request back; one that was decided meanwhile is left as it is. */
export async function withdrawAssociation(
  registry: Registry,
  { benchmark, modelUid, over }: WithdrawInput,
  { begunBefore, begin }: WithdrawalAttempts,
  signal: AbortSignal,
): Promise<WithdrawResult> {
  const row = await registry.association(modelUid, benchmark, signal);
  if (row === null || row.createdAt === over) return { decision: null, over };
  const withdrawn = { decision: null, over: row.createdAt };
  const rejected = begunBefore ? withdrawn : ({ decision: 'REJECTED', over: row.createdAt } as const);
  if (row.status === 'REJECTED') return rejected;
  if (row.status === 'APPROVED') return { decision: 'APPROVED', over };
  if (row.initiatedBy !== (await registry.me(signal)).uid) return { decision: null, over };
  begin();
  try {
    const { found } = await registry.decideAssociation(modelUid, benchmark, 'REJECTED', signal);
    return found ? rejected : withdrawn;
  } catch (error) {
    const now = await registry.association(modelUid, benchmark, signal);
    if (now?.status !== 'APPROVED') throw error;
    return { decision: 'APPROVED', over };
  }
}

/** Finds out what the registry would refuse to a committee, before an expensive test. */
export async function checkRequest(registry: Registry, pair: PairInput, signal: AbortSignal): Promise<RequestStanding> {
  const [benchmark, model, row] = await Promise.all([
    registry.benchmark(pair.benchmark, signal),
    registry.model(pair.modelUid, signal),
    registry.association(pair.modelUid, pair.benchmark, signal),
  ]);
  if (row?.status !== 'PENDING' && row?.status !== 'APPROVED') throw notPending(pair, row);
  if (row.status === 'PENDING' && row.initiatedBy === (await registry.me(signal)).uid) throw ownRequest(pair);
  return {
    modelName: model.name,
    benchmark: benchmarkFacts(benchmark, registry.format),
    subject: await testSubject(registry, benchmark, model, signal),
    current: row.status === 'PENDING' ? 'pending' : 'approved',
  };
}

/** Approves a pending request, unless something changed that its test read; an earlier attempt may have done so. */
export async function approveAssociation(
  registry: Registry,
  { subject, ...pair }: TestedPairInput,
  signal: AbortSignal,
): Promise<MadeWhileTestHolds> {
  const row = await registry.association(pair.modelUid, pair.benchmark, signal);
  if (row?.status === 'APPROVED') return { changedTo: null };
  const now = await readSubject(registry, pair, signal);
  if (!isSameSubject(now, subject)) return { changedTo: now };
  await registry.decideAssociation(pair.modelUid, pair.benchmark, 'APPROVED', signal);
  return { changedTo: null };
}

function notPending(pair: PairInput, row: AssociationRecord | null): MedperfError {
  return new MedperfError('RegistryRejected', {
    what: `There is no request to associate ${wordsFor(pair)} that could be approved.`,
    expected: 'a pending request',
    found: row === null ? 'none' : `state ${row.status}`,
    next: "see the associations (temporal-medperf association ls); a rejected request is the model's owner's to repeat.",
  });
}

function ownRequest(pair: PairInput): MedperfError {
  return new MedperfError('RegistryRejected', {
    what: `The request to associate ${wordsFor(pair)} is this profile's own, and whoever made a request cannot approve it.`,
    next: 'let the other side approve it: the owner of the benchmark, or of the model (--profile).',
  });
}

function wordsFor({ modelUid, benchmark }: PairInput): string {
  return `model ${modelUid} with benchmark ${benchmark}`;
}
