import { z } from 'zod';
import { isDigest } from '../contract';
import type { DataAndLabels, Digest, FetchDemoDataInput } from '../contract';
import type { Store } from '../store/store';
import { digestOf } from './action-key';
import { promise } from './promised-hashes';

const digest = z.custom<Digest>(isDigest);
const DataSchema = z.object({ data: digest, labels: digest, metadata: digest.exactOptional() });

/** The trees that demo data was unpacked to, remembered under the archive's hash. */
export async function knownDemoData(
  store: Store,
  { hash }: Pick<FetchDemoDataInput, 'hash'>,
): Promise<DataAndLabels | null> {
  const known = DataSchema.safeParse(promise(hash) !== null ? await store.readRecord(recordName(hash)) : null);
  return known.success ? known.data : null;
}

export async function rememberDemoData(store: Store, hash: string, trees: DataAndLabels): Promise<void> {
  if (promise(hash) !== null) await store.writeRecord(recordName(hash), trees);
}

function recordName(hash: string): string {
  return `demo-data/${digestOf({ archive: hash })}`;
}
