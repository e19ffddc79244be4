import { z } from 'zod';
import type { JsonValue } from '../contract';
import { APPROVAL, STATE, UID } from './records';
import type { DatasetRecord, ResultRecord } from './registry';

const JSON_VALUE: z.ZodType<JsonValue> = z.json();

/** A dataset of any generation; fields that we do not read are ignored. */
export const DATASET = z
  .object({
    id: UID,
    name: z.string(),
    description: z.string().default(''),
    location: z.string().default(''),
    // The generation of 2025 tells it in its lists and not by uid.
    owner: UID.nullable().default(null),
    input_data_hash: z.string(),
    generated_uid: z.string(),
    data_preparation_mlcube: UID,
    state: STATE,
    is_valid: z.boolean(),
    submitted_as_prepared: z.boolean().nullable().default(null),
    created_at: z.string(),
  })
  .transform((row): DatasetRecord => ({
    uid: row.id,
    name: row.name,
    description: row.description,
    location: row.location,
    owner: row.owner,
    inputDataHash: row.input_data_hash,
    generatedUid: row.generated_uid,
    dataPreparator: row.data_preparation_mlcube,
    state: row.state,
    isValid: row.is_valid,
    submittedAsPrepared: row.submitted_as_prepared,
    createdAt: row.created_at,
  }));

/** A result of any generation, which today's calls an execution. */
export const RESULT = z
  .object({
    id: UID,
    name: z.string().default(''),
    owner: UID,
    benchmark: UID,
    model: UID,
    dataset: UID,
    results: JSON_VALUE,
    approval_status: APPROVAL,
    // The generation of 2023 has none that are not, and one that is finished is so from its beginning before today's.
    is_valid: z.boolean().default(true),
    finalized: z.boolean().default(true),
    created_at: z.string(),
  })
  .transform((row): ResultRecord => ({
    uid: row.id,
    name: row.name,
    owner: row.owner,
    benchmark: row.benchmark,
    model: row.model,
    dataset: row.dataset,
    results: row.results,
    approvalStatus: row.approval_status,
    isValid: row.is_valid,
    isFinal: row.finalized,
    createdAt: row.created_at,
  }));
