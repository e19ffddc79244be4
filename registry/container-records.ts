import { z } from 'zod';
import type { JsonValue } from '../contract';
import { ASSOCIATION_FIELDS, associationOf, BENCHMARK_FIELDS, benchmarkOf, STATE, UID } from './records';
import type { Fields } from './records';
import type { CubeRecord, ModelRecord, NewCube } from './registry';

const JSON_VALUE: z.ZodType<JsonValue> = z.json();

/** Cubes, models and benchmarks of today's server; fields that we do not read are ignored. */
export const CONTAINER = z
  .object({
    id: UID,
    name: z.string(),
    owner: UID,
    container_config: JSON_VALUE,
    parameters_config: JSON_VALUE.default(null),
    image_hash: z.string(),
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
    content: {
      format: 'container',
      config: row.container_config,
      parameters: row.parameters_config,
      additionalFiles:
        row.additional_files_tarball_url === ''
          ? null
          : { url: row.additional_files_tarball_url, hash: row.additional_files_tarball_hash },
      imageHash: row.image_hash,
    },
    state: row.state,
    isValid: row.is_valid,
    createdAt: row.created_at,
  }));

export const MODEL = z
  .object({
    id: UID,
    name: z.string(),
    owner: UID,
    container: CONTAINER.nullable(),
    state: STATE,
    is_valid: z.boolean(),
    created_at: z.string(),
  })
  .transform((row): ModelRecord => ({
    uid: row.id,
    name: row.name,
    owner: row.owner,
    state: row.state,
    isValid: row.is_valid,
    createdAt: row.created_at,
    cube: row.container,
  }));

export const MODEL_BENCHMARK = z
  .object({ ...BENCHMARK_FIELDS, reference_model: UID })
  .transform((row) => benchmarkOf(row, row.reference_model));

export const MODEL_ASSOCIATION = z
  .object({ ...ASSOCIATION_FIELDS, model: UID })
  .transform((row) => associationOf(row.model, row.benchmark, row));

/** A cube as it is sent; the keys that the server wants to see are there, also where they say nothing. */
export function containerFields({ name, content, state }: NewCube): Fields {
  if (content.format !== 'container') throw new TypeError("today's server holds the configuration of cubes itself");
  return {
    name: name.trim(),
    container_config: content.config,
    parameters_config: content.parameters,
    image_hash: content.imageHash,
    additional_files_tarball_url: content.additionalFiles?.url ?? '',
    additional_files_tarball_hash: content.additionalFiles?.hash ?? '',
    state,
  };
}

/** A model around its container, whose state has to be the model's. */
export function modelBody({ name, state, ...container }: Fields): Fields {
  return {
    name: name ?? '',
    type: 'CONTAINER',
    state: state ?? '',
    container: { name: name ?? '', state: state ?? '', ...container },
  };
}
