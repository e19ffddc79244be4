import {
  FLAG,
  FREE_JSON,
  JSON_OBJECT,
  LATER_APPROVAL,
  OWNED,
  STAMP,
  STATE,
  optionalText,
  reference,
  requiredText,
  uniqueName,
} from './field-kinds';
import type { Field, Fields } from './resource';

/** Characters that grew between the generations. */
export interface BenchmarkLimits {
  readonly name: number;
  readonly description: number;
}

/** @param parts what the benchmark consists of: the columns that refer to its cubes, or its reference model. */
export function benchmarkFields(limits: BenchmarkLimits, parts: Fields, demoUrl: Field = requiredText(256)): Fields {
  return {
    name: uniqueName('benchmark', limits.name),
    description: optionalText(limits.description),
    docs_url: optionalText(100),
    demo_dataset_tarball_url: demoUrl,
    demo_dataset_tarball_hash: requiredText(100),
    demo_dataset_generated_uid: requiredText(128),
    ...parts,
    metadata: FREE_JSON,
    user_metadata: FREE_JSON,
    state: STATE,
    is_valid: FLAG,
    is_active: FLAG,
    approval_status: LATER_APPROVAL,
    approved_at: STAMP,
    ...OWNED,
  };
}

export const EDITABLE_OPERATIONAL_BENCHMARK = [
  'is_valid',
  'is_active',
  'user_metadata',
  'approval_status',
  'demo_dataset_tarball_url',
];

export interface DatasetLimits {
  readonly name: number;
  readonly description: number;
  readonly location: number;
}

/** Datasets of the servers where they are submitted first and prepared later. */
export function preparedLaterDatasetFields(limits: DatasetLimits): Fields {
  return {
    name: requiredText(limits.name),
    description: optionalText(limits.description),
    location: optionalText(limits.location),
    input_data_hash: requiredText(128),
    generated_uid: requiredText(128),
    split_seed: { kind: 'integer', default: 0, required: true },
    data_preparation_mlcube: reference('mlcubes'),
    submitted_as_prepared: { kind: 'boolean', default: false, required: true },
    state: { ...STATE, writable: 'update' },
    is_valid: FLAG,
    generated_metadata: JSON_OBJECT,
    user_metadata: FREE_JSON,
    report: FREE_JSON,
    ...OWNED,
  };
}

export const MLCUBE: Field = reference('mlcubes');
