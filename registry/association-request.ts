import { MedperfError } from '../contract';
import type { JsonValue } from '../contract';
import { accepted, refusalOf } from './answers';
import type { DialectForm } from './dialect-forms';
import { LostAnswer } from './http-session';
import type { HttpSession } from './http-session';
import { later } from './records';
import type { AssociationRecord, Registry } from './registry';

type Associations = Pick<Registry, 'association' | 'me'>;

export interface Pair {
  readonly modelUid: number;
  readonly benchmark: number;
}

/** Requests an association once; see `Registry.requestAssociation`. */
export async function requestAssociation(
  session: HttpSession,
  form: DialectForm,
  registry: Associations,
  request: Pair & { readonly testResult: JsonValue; readonly newest: string | null },
  signal: AbortSignal | undefined,
): Promise<{ record: AssociationRecord; adopted: boolean }> {
  const me = (await registry.me(signal)).uid;
  const before = await registry.association(request.modelUid, request.benchmark, signal);
  const current = adoptable(before, me, request.newest);
  if (current !== null) return { record: current, adopted: true };
  const body = {
    [form.modelField]: request.modelUid,
    benchmark: request.benchmark,
    metadata: { test_result: request.testResult },
    approval_status: 'PENDING',
  };
  const made = async (): Promise<AssociationRecord | null> => {
    const after = await registry.association(request.modelUid, request.benchmark, signal);
    return adoptable(after, me, before?.createdAt ?? null);
  };
  const found = await sent(async () => {
    const answer = await session.change('POST', `/${form.models}/benchmarks/`, body, signal);
    if (answer.status !== 400) return { record: accepted(answer, form.association, failed(request)), adopted: false };
    const other = await made();
    if (other === null) throw refusalOf(answer, failed(request));
    return { record: other, adopted: true };
  }, made);
  return 'record' in found ? found : { record: found, adopted: true };
}

/** Decides on the pending row; see `Registry.decideAssociation`. */
export async function decideAssociation(
  session: HttpSession,
  form: DialectForm,
  registry: Associations,
  pair: Pair,
  status: 'APPROVED' | 'REJECTED',
  signal: AbortSignal | undefined,
): Promise<{ record: AssociationRecord; found: boolean }> {
  const decided = async (): Promise<AssociationRecord | null> => {
    const row = await registry.association(pair.modelUid, pair.benchmark, signal);
    return row?.status === status ? row : null;
  };
  const before = await registry.association(pair.modelUid, pair.benchmark, signal);
  if (before?.status === status) return { record: before, found: true };
  if (before?.status !== 'PENDING') throw notPending(pair, before);
  const made = await sent(async () => {
    const path = `/${form.models}/${pair.modelUid}/benchmarks/${pair.benchmark}/`;
    const answer = await session.change('PUT', path, { approval_status: status }, signal);
    const record = await decided();
    // Refused, and yet so: somebody else was faster.
    if (record !== null) return { record, found: answer.status >= 400 };
    const verb = status === 'APPROVED' ? 'approved' : 'rejected';
    throw refusalOf(answer, `The association of ${wordsFor(pair)} could not be ${verb}.`, nextAfterDecision(status));
  }, decided);
  return 'record' in made ? made : { record: made, found: false };
}

/** Sends a change; when its answer is lost, looks whether it was made. */
async function sent<T, F>(send: () => Promise<T>, find: () => Promise<F | null>): Promise<T | F> {
  try {
    return await send();
  } catch (error) {
    if (!(error instanceof LostAnswer)) throw error;
    const found = await find();
    if (found === null) throw error.failure;
    return found;
  }
}

/** The row when it stands for this request, null when a new one may be made. */
function adoptable(row: AssociationRecord | null, me: number, newest: string | null): AssociationRecord | null {
  if (row === null || row.status === 'APPROVED') return row;
  const isNew = row.createdAt !== newest;
  if (row.initiatedBy === me && (row.status === 'PENDING' || isNew)) return row;
  if (row.status === 'REJECTED') return null;
  throw new MedperfError('RegistryRejected', {
    what: `User ${row.initiatedBy} has requested the association of ${wordsFor(row)} already.`,
    expected: 'no pending request of somebody else',
    found: `a pending request of ${row.createdAt}`,
    next: `Approve it instead: temporal-medperf association approve -b ${row.benchmark} -m ${row.modelUid}`,
  });
}

function notPending(pair: Pair, row: AssociationRecord | null): MedperfError {
  return new MedperfError('RegistryRejected', {
    what: `There is no pending association of ${wordsFor(pair)} to decide on.`,
    expected: 'a pending request',
    found: row === null ? 'no request' : `state ${row.status}`,
    next: 'See the associations: temporal-medperf association ls',
  });
}

function nextAfterDecision(status: 'APPROVED' | 'REJECTED'): string {
  return status === 'APPROVED'
    ? 'Whoever made the request cannot approve it: let the other side (benchmark owner or model owner) approve.'
    : 'Sign in as the owner of the benchmark or of the model.';
}

function failed(pair: Pair): string {
  return `The registry refused to associate ${wordsFor(pair)}.`;
}

function wordsFor({ modelUid, benchmark }: Pair): string {
  return `model ${modelUid} with benchmark ${benchmark}`;
}

/** The newest row of each pair; older ones are not kept. */
export async function newestOfEach(rows: AsyncIterable<AssociationRecord>): Promise<AssociationRecord[]> {
  const pairs = new Map<string, AssociationRecord>();
  for await (const row of rows) {
    const pair = wordsFor(row);
    const known = pairs.get(pair);
    pairs.set(pair, known === undefined ? row : later(known, row));
  }
  return [...pairs.values()];
}
