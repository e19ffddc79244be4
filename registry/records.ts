import { z } from 'zod';
import type { CubeHashes, CubeUrls } from '../contract';
import type { Dialect } from './server-dialect';
import type { AssociationRecord, BenchmarkRecord, CubeRecord, NewCube, User } from './registry';

/** The server's answers in MedPerf's MLCube generation; fields that we do not read are ignored. */
const STATE = z.enum(['DEVELOPMENT', 'OPERATION']);
const APPROVAL = z.enum(['PENDING', 'APPROVED', 'REJECTED']);
const UID = z.number().int();

export const USER = z
  .object({ id: UID, username: z.string(), email: z.string() })
  .transform(({ id, username, email }): User => ({ uid: id, username, email }));

export const CUBE = z
  .object({
    id: UID,
    name: z.string(),
    owner: UID,
    git_mlcube_url: z.string(),
    mlcube_hash: z.string(),
    git_parameters_url: z.string().default(''),
    parameters_hash: z.string().default(''),
    image_tarball_url: z.string().default(''),
    image_tarball_hash: z.string().default(''),
    image_hash: z.string().default(''),
    additional_files_tarball_url: z.string().default(''),
    additional_files_tarball_hash: z.string().default(''),
    state: STATE,
    is_valid: z.boolean(),
    created_at: z.string(),
  })
  .transform((row): CubeRecord => ({
    uid: row.id,
    name: row.name,
    owner: row.owner,
    urls: present<CubeUrls>({
      manifestUrl: row.git_mlcube_url,
      parametersUrl: row.git_parameters_url,
      additionalFilesUrl: row.additional_files_tarball_url,
      imageTarballUrl: row.image_tarball_url,
    }),
    hashes: present<CubeHashes>({
      manifestHash: row.mlcube_hash,
      parametersHash: row.parameters_hash,
      additionalFilesHash: row.additional_files_tarball_hash,
      imageTarballHash: row.image_tarball_hash,
      imageHash: row.image_hash,
    }),
    state: row.state,
    isValid: row.is_valid,
    createdAt: row.created_at,
  }));

export const BENCHMARK = z
  .object({
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
    reference_model_mlcube: UID,
    data_evaluator_mlcube: UID,
    metadata: z.unknown(),
    created_at: z.string(),
  })
  .transform((row): BenchmarkRecord => ({
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
    referenceModel: row.reference_model_mlcube,
    evaluator: row.data_evaluator_mlcube,
    createdAt: row.created_at,
  }));

const ASSOCIATION_FIELDS = {
  approval_status: APPROVAL,
  initiated_by: UID,
  approved_at: z.string().nullable(),
  created_at: z.string(),
  priority: z.number().int().default(0),
};

type AssociationRow = z.infer<z.ZodObject<typeof ASSOCIATION_FIELDS>>;

/** A row of the associations' own list. */
export const ASSOCIATION = z
  .object({ ...ASSOCIATION_FIELDS, id: UID, model_mlcube: UID, benchmark: UID })
  .transform((row) => associationOf(row.model_mlcube, row.benchmark, row));

/** A row in the answer about one pair, which does not name the pair. */
export function pairRow(modelUid: number, benchmark: number): z.ZodType<AssociationRecord> {
  return z.object(ASSOCIATION_FIELDS).transform((row) => associationOf(modelUid, benchmark, row));
}

function associationOf(modelUid: number, benchmark: number, row: AssociationRow): AssociationRecord {
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

/** A cube as it is sent; all hash keys that the server wants to see are there. E23 does not know of an image's id. */
export function cubeBody({ name, urls, hashes, state }: NewCube, dialect: Dialect): Readonly<Record<string, string>> {
  const texts = {
    name,
    git_mlcube_url: urls.manifestUrl,
    mlcube_hash: hashes.manifestHash,
    git_parameters_url: urls.parametersUrl,
    parameters_hash: hashes.parametersHash,
    image_tarball_url: urls.imageTarballUrl,
    image_tarball_hash: hashes.imageTarballHash,
    ...(dialect === 'E23' ? {} : { image_hash: hashes.imageHash }),
    additional_files_tarball_url: urls.additionalFilesUrl,
    additional_files_tarball_hash: hashes.additionalFilesHash,
    state,
  };
  return Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, text?.trim() ?? '']));
}

/** The row made later, the second when both were made at once. */
export function later<T extends { readonly createdAt: string }>(first: T, second: T): T {
  return timeKey(second.createdAt) >= timeKey(first.createdAt) ? second : first;
}

/** Orders times of the server's, whose fraction may be missing. */
function timeKey(time: string): string {
  const [seconds = '', fraction = ''] = time.replace(/(Z|[+]00:00)$/, '').split('.');
  return `${seconds}.${fraction.padEnd(6, '0')}`;
}

/** Without the parts that are empty. */
function present<T extends object>(parts: T): T {
  return Object.fromEntries(Object.entries(parts).filter(([, text]) => text !== '')) as T;
}

function saysPrepared(metadata: unknown): boolean {
  const parsed = z.looseObject({ demo_dataset_already_prepared: z.literal(true) }).safeParse(metadata);
  return parsed.success;
}
