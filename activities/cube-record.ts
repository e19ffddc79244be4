import { z } from 'zod';
import { MedperfError } from '../contract';
import type { HostedRef } from '../contract';
import type { CubeRecord, Registry } from '../registry/registry';
import type { Store } from '../store/store';

const RecordSchema = z.object({
  name: z.string(),
  urls: z.object({
    manifestUrl: z.string(),
    parametersUrl: z.string().optional(),
    additionalFilesUrl: z.string().optional(),
    imageTarballUrl: z.string().optional(),
  }),
  hashes: z.object({
    manifestHash: z.string().optional(),
    parametersHash: z.string().optional(),
    additionalFilesHash: z.string().optional(),
    imageTarballHash: z.string().optional(),
    imageHash: z.string().optional(),
  }),
});

/** A registered cube's record, kept so that a later test can run offline. */
export async function cubeRecord(
  store: Store,
  registry: Registry,
  uid: number,
  offline: boolean,
  signal: AbortSignal,
): Promise<HostedRef> {
  const recordName = `cubes/${registry.server}/${uid}`;
  if (offline) {
    const known = RecordSchema.safeParse(await store.readRecord(recordName));
    if (known.success) return { kind: 'hosted', uid, ...(known.data as Pick<HostedRef, 'name' | 'urls' | 'hashes'>) };
    throw new MedperfError('InvalidRequest', {
      what: `Cube ${uid} is not known here, and --offline forbids asking the registry.`,
      next: 'run the test once without --offline; after that the record is kept.',
    });
  }
  const record = await registry.cube(uid, signal);
  refuseInvalid(record);
  const { name, urls, hashes } = record;
  await store.writeRecord(recordName, { name, urls, hashes });
  return { kind: 'hosted', uid, name, urls, hashes };
}

function refuseInvalid(record: CubeRecord): void {
  if (record.isValid) return;
  throw new MedperfError('InvalidRequest', {
    what: `Cube ${record.uid}, ${record.name}, is marked as INVALID in the registry.`,
    next: 'ask its owner for a valid version.',
  });
}
