import { z } from 'zod';
import { MedperfError } from '../contract';
import type { CubeRef, HostedFiles, HostedRef } from '../contract';
import { canonicalYaml } from '../mlcube/canonical-yaml';
import type { CubeContent, CubeRecord, Registry } from '../registry/registry';
import type { Store } from '../store/store';
import { HostedFilesSchema } from './hosted-files-schema';

const RecordSchema = z.object({ uid: z.int(), name: z.string(), files: HostedFilesSchema });

type RegisteredRef = Exclude<CubeRef, { readonly kind: 'local' }>;

/** What is recorded of a registered cube, or of the one that a model is; kept so that a later test can run offline. */
export async function cubeRecord(
  store: Store,
  registry: Registry,
  ref: RegisteredRef,
  offline: boolean,
  signal: AbortSignal,
): Promise<HostedRef> {
  const recordName = `${ref.kind}s/${registry.server}/${ref.uid}`;
  if (offline) {
    const known = RecordSchema.safeParse(await store.readRecord(recordName));
    if (known.success) return { kind: 'hosted', ...known.data };
    throw new MedperfError('InvalidRequest', {
      what: `The ${ref.kind} ${ref.uid} is not known here, and --offline forbids asking the registry.`,
      next: 'run the test once without --offline; after that the record is kept.',
    });
  }
  const { uid, name, content } =
    ref.kind === 'cube' ? await readCube(registry, ref.uid, signal) : await readModel(registry, ref.uid, signal);
  const files = await filesOf(store, content);
  await store.writeRecord(recordName, { uid, name, files });
  return { kind: 'hosted', uid, name, files };
}

async function readCube(registry: Registry, uid: number, signal: AbortSignal): Promise<CubeRecord> {
  const cube = await registry.cube(uid, signal);
  refuseInvalid('cube', cube);
  return cube;
}

async function readModel(registry: Registry, uid: number, signal: AbortSignal): Promise<CubeRecord> {
  const model = await registry.model(uid, signal);
  refuseInvalid('model', model);
  if (model.cube !== null) return model.cube;
  throw new MedperfError('InvalidRequest', {
    what: `The model ${uid}, ${model.name}, is an asset: weights that some other container runs.`,
    expected: 'a model of type CONTAINER',
    next: 'choose a model that is a container; others are not run here.',
  });
}

/** What the registry holds itself goes into the store, where the steps find it. */
async function filesOf(store: Store, content: CubeContent): Promise<HostedFiles> {
  if (content.format === 'mlcube') return content;
  const { format, config, parameters, additionalFiles, imageHash } = content;
  const put = async (value: typeof config) => (await store.putBytes(canonicalYaml(value))).digest;
  return {
    format,
    config: await put(config),
    parameters: parameters === null ? null : await put(parameters),
    additionalFiles,
    imageHash,
  };
}

function refuseInvalid(noun: 'cube' | 'model', record: { uid: number; name: string; isValid: boolean }): void {
  if (record.isValid) return;
  throw new MedperfError('InvalidRequest', {
    what: `The ${noun} ${record.uid}, ${record.name}, is marked as INVALID in the registry.`,
    next: 'ask its owner for a valid version.',
  });
}
