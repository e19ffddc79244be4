import { isDeepStrictEqual } from 'node:util';
import { isSameSubject, MedperfError } from '../contract';
import type {
  AssociationStanding,
  CheckAssociationInput,
  JsonValue,
  RequestAssociationInput,
  RequestResult,
} from '../contract';
import { refuseUnregistrableName } from '../registry';
import type { AssociationRecord, ModelRecord, Registry } from '../registry';
import type { Store } from '../store/store';
import { benchmarkFacts } from './resolve-benchmark';
import { readSubject, testSubject } from './test-subject';

const MAX_RESULTS_BYTES = 4 * 1024 * 1024;

/** Finds out what the registry would refuse, before an expensive test. */
export async function checkAssociation(
  registry: Registry,
  { benchmark, model, again }: CheckAssociationInput,
  signal: AbortSignal,
): Promise<AssociationStanding> {
  const record = await registry.benchmark(benchmark, signal);
  const facts = benchmarkFacts(record, registry.format);
  if (!facts.approved) {
    throw new MedperfError('RegistryRejected', {
      what: `Benchmark ${benchmark}, ${facts.name}, is not approved, so the registry takes no association requests for it.`,
      next: 'wait until an administrator has approved it, or choose another (`temporal-medperf benchmark ls`).',
    });
  }
  if (registry.dialect === 'E23' && !facts.operational) {
    throw new MedperfError('RegistryRejected', {
      what: `Benchmark ${benchmark}, ${facts.name}, is not operational, so the registry takes no association requests for it.`,
      next: 'ask its owner to make it operational, or choose another (`temporal-medperf benchmark ls`).',
    });
  }
  if ('name' in model) {
    await refuseForeignName(registry, model.name, signal);
    const subject = await testSubject(registry, record, null, signal);
    return { modelName: model.name, benchmark: facts, subject, current: 'none', newest: null };
  }
  const registered = await registry.model(model.uid, signal);
  refuseUnlessOperational(registered);
  const row = await registry.association(model.uid, benchmark, signal);
  return {
    modelName: registered.name,
    benchmark: facts,
    subject: await testSubject(registry, record, registered, signal),
    current: await currentOf(row, again, registry, signal),
    newest: row?.createdAt ?? null,
  };
}

async function refuseForeignName(registry: Registry, name: string, signal: AbortSignal): Promise<void> {
  refuseUnregistrableName(name, registry.nameLength);
  for await (const own of registry.models({ mine: true }, signal)) if (own.name === name) return;
  for await (const cube of registry.cubes({ name }, signal)) {
    throw new MedperfError('RegistryRejected', {
      what: `The name ${name} is taken in the registry by cube ${cube.uid} of user ${cube.owner}.`,
      next: `choose another name (--name, at most ${registry.nameLength} characters).`,
    });
  }
}

function refuseUnlessOperational(model: ModelRecord): void {
  if (model.isValid && model.state === 'OPERATION') return;
  throw new MedperfError('RegistryRejected', {
    what: `Model ${model.uid}, ${model.name}, cannot be associated.`,
    expected: 'a valid model in state OPERATION',
    found: model.isValid ? `state ${model.state}` : 'marked as invalid',
    next: 'submit it as operational (without --development), or under a new name when it was submitted otherwise.',
  });
}

async function currentOf(
  row: AssociationRecord | null,
  again: boolean,
  registry: Registry,
  signal: AbortSignal,
): Promise<AssociationStanding['current']> {
  if (row === null) return 'none';
  if (row.status === 'APPROVED') return 'approved';
  if (row.status === 'REJECTED') return again ? 'none' : 'rejected';
  const me = await registry.me(signal);
  if (row.initiatedBy === me.uid) return 'pending';
  throw new MedperfError('RegistryRejected', {
    what: `User ${row.initiatedBy} has already asked to associate model ${row.modelUid} with benchmark ${row.benchmark}, and that request is pending.`,
    next: `approve it: temporal-medperf association approve --benchmark ${row.benchmark} --model_uid ${row.modelUid}`,
  });
}

/**
 * Sends the request with the test's results, unless something changed that the test read: some registries approve a
 * request as soon as it is made. One that an earlier attempt made, or the user meanwhile, is found, and is not sent again.
 */
export async function requestAssociation(
  { store, registry }: { store: Store; registry: Registry },
  { benchmark, modelUid, newest, subject, results }: RequestAssociationInput,
  signal: AbortSignal,
): Promise<RequestResult> {
  const pair = { benchmark, modelUid };
  const row = await registry.association(modelUid, benchmark, signal);
  const isMade = row !== null && row.createdAt !== newest && row.initiatedBy === (await registry.me(signal)).uid;
  if (!isMade) {
    const now = await readSubject(registry, pair, signal);
    if (!isSameSubject(now, subject)) return { changedTo: now };
  }
  const testResult = JSON.parse((await store.readBytes(results, MAX_RESULTS_BYTES)).toString('utf8')) as JsonValue;
  const { adopted } = await registry.requestAssociation({ ...pair, testResult, newest }, signal);
  return {
    changedTo: null,
    carriesResults: !adopted || isDeepStrictEqual(await registry.sentResults(modelUid, benchmark, signal), testResult),
  };
}
