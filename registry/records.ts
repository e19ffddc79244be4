import { z } from 'zod';
import type { JsonValue } from '../contract';
import type { AssociationRecord, BenchmarkRecord, User } from './registry';

/** Fields of a record by the server's own names. */
export type Fields = Readonly<Record<string, JsonValue>>;

/** What the server's answers have in common in all generations; fields that we do not read are ignored. */
export const STATE = z.enum(['DEVELOPMENT', 'OPERATION']);
export const APPROVAL = z.enum(['PENDING', 'APPROVED', 'REJECTED']);
export const UID = z.number().int();

export const USER = z
  .object({ id: UID, username: z.string(), email: z.string() })
  .transform(({ id, username, email }): User => ({ uid: id, username, email }));

/** A benchmark's, less the field that names its reference model. */
export const BENCHMARK_FIELDS = {
  id: UID,
  name: z.string(),
  description: z.string().default(''),
  owner: UID,
  state: STATE,
  is_valid: z.boolean(),
  is_active: z.boolean(),
  approval_status: APPROVAL,
  demo_dataset_tarball_url: z.string(),
  demo_dataset_tarball_hash: z.string(),
  data_preparation_mlcube: UID,
  data_evaluator_mlcube: UID,
  metadata: z.unknown(),
  created_at: z.string(),
};

export function benchmarkOf(
  row: z.infer<z.ZodObject<typeof BENCHMARK_FIELDS>>,
  referenceModel: number,
): BenchmarkRecord {
  return {
    uid: row.id,
    name: row.name,
    description: row.description,
    owner: row.owner,
    state: row.state,
    isValid: row.is_valid,
    isActive: row.is_active,
    approvalStatus: row.approval_status,
    demoDatasetUrl: row.demo_dataset_tarball_url,
    demoDatasetHash: row.demo_dataset_tarball_hash,
    demoDatasetPrepared: saysPrepared(row.metadata),
    dataPreparator: row.data_preparation_mlcube,
    referenceModel,
    evaluator: row.data_evaluator_mlcube,
    createdAt: row.created_at,
  };
}

const PAIR_FIELDS = {
  approval_status: APPROVAL,
  initiated_by: UID,
  approved_at: z.string().nullable(),
  created_at: z.string(),
  priority: z.number().int().default(0),
};

/** A row of the associations' own list, less the field that names the model. */
export const ASSOCIATION_FIELDS = { ...PAIR_FIELDS, id: UID, benchmark: UID };

/** A row in the answer about one pair, which does not name the pair. */
export function pairRow(modelUid: number, benchmark: number): z.ZodType<AssociationRecord> {
  return z.object(PAIR_FIELDS).transform((row) => associationOf(modelUid, benchmark, row));
}

export function associationOf(
  modelUid: number,
  benchmark: number,
  row: z.infer<z.ZodObject<typeof PAIR_FIELDS>>,
): AssociationRecord {
  return {
    modelUid,
    benchmark,
    status: row.approval_status,
    initiatedBy: row.initiated_by,
    createdAt: row.created_at,
    approvedAt: row.approved_at,
    priority: row.priority,
  };
}

/** A row of any list: what pages are put together by. */
export const PAGE = z.object({
  next: z.string().nullable(),
  results: z.array(z.looseObject({ id: UID })),
});

/** The row made later, the second when both were made at once. */
export function later<T extends { readonly createdAt: string }>(first: T, second: T): T {
  return timeKey(second.createdAt) >= timeKey(first.createdAt) ? second : first;
}

/** Orders times of the server's, whose fraction may be missing. */
function timeKey(time: string): string {
  const [seconds = '', fraction = ''] = time.replace(/(Z|[+]00:00)$/, '').split('.');
  return `${seconds}.${fraction.padEnd(6, '0')}`;
}

function saysPrepared(metadata: unknown): boolean {
  const parsed = z.looseObject({ demo_dataset_already_prepared: z.literal(true) }).safeParse(metadata);
  return parsed.success;
}
