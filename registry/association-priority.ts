import { MedperfError } from '../contract';
import { refusalOf } from './answers';
import type { Pair } from './association-request';
import type { DialectForm } from './dialect-forms';
import { LostAnswer } from './http-session';
import type { HttpSession } from './http-session';
import type { AssociationRecord, Registry } from './registry';

/** Sets an association's priority once; see `Registry.setPriority`. */
export async function setPriority(
  session: HttpSession,
  form: DialectForm,
  registry: Pick<Registry, 'association'>,
  { modelUid, benchmark }: Pair,
  priority: number,
  signal: AbortSignal | undefined,
): Promise<AssociationRecord> {
  const current = (): Promise<AssociationRecord | null> => registry.association(modelUid, benchmark, signal);
  const before = await current();
  if (before === null) throw noAssociation({ modelUid, benchmark });
  if (before.priority === priority) return before;
  try {
    const path = `/${form.models}/${modelUid}/benchmarks/${benchmark}/`;
    const answer = await session.change('PUT', path, { priority }, signal);
    const after = await current();
    if (after?.priority === priority) return after;
    const what = `The priority of model ${modelUid} in benchmark ${benchmark} could not be set.`;
    throw refusalOf(answer, what, 'Sign in as the owner of the benchmark.');
  } catch (error) {
    if (!(error instanceof LostAnswer)) throw error;
    const after = await current();
    if (after?.priority === priority) return after;
    throw error.failure;
  }
}

function noAssociation({ modelUid, benchmark }: Pair): MedperfError {
  return new MedperfError('RegistryRejected', {
    what: `Model ${modelUid} was never to take part in benchmark ${benchmark}, so it has no priority there.`,
    expected: 'an association, in whatever state',
    found: 'none',
    next: 'See the associations: temporal-medperf association ls',
  });
}
