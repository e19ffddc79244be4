import { PRIORITY, associationFields } from '../association-fields';
import {
  APPROVED_BENCHMARK,
  approvedAtOnce,
  followsNewest,
  inTurn,
  operationalComponent,
  pendingDecision,
  samePreparator,
} from '../association-rules';
import type { AssociationSide } from '../association-rules';
import {
  FLAG,
  FREE_JSON,
  JSON_OBJECT,
  LATER_APPROVAL,
  OWNED,
  STAMP,
  STATE,
  optionalText,
  presentText,
  reference,
  requiredText,
  uniqueName,
} from '../field-kinds';
import type { Field, Resource } from '../resource';
import {
  SAME_GENERATED_UID,
  associatedResult,
  benchmarkDecision,
  frozenInOperation,
  newGeneratedUid,
  onePendingBenchmark,
  operationalParts,
  stampDecision,
  wholePair,
} from '../rules';
import { EDITABLE_OPERATIONAL_BENCHMARK, MLCUBE, benchmarkFields, preparedLaterDatasetFields } from '../shared-fields';
import { agreedBeforehand, autoApprovedSubmitter } from './auto-approval';
import { finalization, notFinalized, oneMatchingPart } from './rules';

const additionalFilesPair = wholePair('additional_files_tarball_url', 'additional_files_tarball_hash', {
  required: 'Additional files',
  lonely: 'Additional files',
});

export const CUBES: Resource = {
  table: 'mlcubes',
  schema: 'MlCube',
  maker: 'owner',
  order: ['modified_at'],
  fields: {
    name: uniqueName('ml cube', 128),
    container_config: { ...JSON_OBJECT, required: true },
    parameters_config: { ...FREE_JSON, required: true },
    image_hash: requiredText(100),
    additional_files_tarball_url: optionalText(256),
    additional_files_tarball_hash: presentText(100),
    state: STATE,
    is_valid: FLAG,
    metadata: FREE_JSON,
    user_metadata: FREE_JSON,
    ...OWNED,
  },
  uniqueSet: {
    columns: ['image_hash', 'additional_files_tarball_hash', 'container_config', 'parameters_config'],
    exemptWhenNull: 'parameters_config',
  },
  createRules: [additionalFilesPair],
  changeRules: [additionalFilesPair, frozenInOperation],
  editableInOperation: ['is_valid', 'user_metadata', 'additional_files_tarball_url'],
};

export const ASSETS: Resource = {
  table: 'assets',
  schema: 'Asset',
  maker: 'owner',
  order: ['modified_at'],
  fields: {
    name: uniqueName('asset', 128),
    asset_hash: requiredText(100),
    /** `local`: not hosted. */
    asset_url: requiredText(256),
    state: STATE,
    is_valid: FLAG,
    metadata: FREE_JSON,
    user_metadata: FREE_JSON,
    ...OWNED,
  },
  changeRules: [frozenInOperation],
  editableInOperation: ['is_valid', 'user_metadata', 'asset_url'],
};

function part(resource: Resource): Field {
  return { kind: 'nested', resource, nullable: true, unique: 'This field must be unique.' };
}

export const MODELS: Resource = {
  table: 'models',
  schema: 'Model',
  maker: 'owner',
  order: ['modified_at'],
  fields: {
    container: part(CUBES),
    asset: part(ASSETS),
    name: uniqueName('model', 128),
    state: STATE,
    is_valid: FLAG,
    type: { kind: 'choice', values: ['CONTAINER', 'ASSET'], default: 'CONTAINER', required: true },
    metadata: FREE_JSON,
    user_metadata: FREE_JSON,
    ...OWNED,
  },
  createRules: [oneMatchingPart],
  changeRules: [frozenInOperation],
  editableInOperation: ['is_valid', 'user_metadata'],
};

const MODE: Field = { kind: 'choice', values: ['NEVER', 'ALWAYS', 'ALLOWLIST'], default: 'NEVER' };
const ALLOW_LIST: Field = { kind: 'json', default: [] };

/** Whose requests are approved is the benchmark owner's business. */
export const ALLOW_LISTS = ['dataset_auto_approval_allow_list', 'model_auto_approval_allow_list'];

const operationalContainers = operationalParts(
  { data_preparation_mlcube: 'mlcubes', reference_model: 'models', data_evaluator_mlcube: 'mlcubes' },
  'containers',
);

export const BENCHMARKS: Resource = {
  table: 'benchmarks',
  schema: 'Benchmark',
  maker: 'owner',
  order: ['modified_at'],
  fields: {
    ...benchmarkFields(
      { name: 128, description: 256 },
      { data_preparation_mlcube: MLCUBE, reference_model: reference('models'), data_evaluator_mlcube: MLCUBE },
    ),
    dataset_auto_approval_allow_list: ALLOW_LIST,
    dataset_auto_approval_mode: MODE,
    model_auto_approval_allow_list: ALLOW_LIST,
    model_auto_approval_mode: MODE,
  },
  fieldRules: { state: operationalContainers, approval_status: benchmarkDecision },
  createRules: [onePendingBenchmark, operationalContainers],
  changeRules: [frozenInOperation],
  editableInOperation: [
    ...EDITABLE_OPERATIONAL_BENCHMARK,
    ...ALLOW_LISTS,
    'dataset_auto_approval_mode',
    'model_auto_approval_mode',
  ],
  derivations: [stampDecision, autoApprovedSubmitter],
};

export const DATASETS: Resource = {
  table: 'datasets',
  schema: 'Dataset',
  maker: 'owner',
  order: ['modified_at'],
  fields: preparedLaterDatasetFields({ name: 128, description: 256, location: 128 }),
  changeRules: [frozenInOperation, newGeneratedUid],
  editableInOperation: ['is_valid', 'user_metadata'],
  constraints: { datasets_operational: { non_field_errors: [SAME_GENERATED_UID] } },
};

export const EXECUTIONS: Resource = {
  table: 'results',
  schema: 'Execution',
  maker: 'owner',
  order: ['modified_at'],
  fields: {
    name: optionalText(128),
    benchmark: { ...reference('benchmarks'), writable: 'create' },
    model: { ...reference('models'), writable: 'create' },
    dataset: { ...reference('datasets'), writable: 'create' },
    results: JSON_OBJECT,
    finalized: { kind: 'boolean', default: false, writable: 'never' },
    finalized_at: STAMP,
    model_report: FREE_JSON,
    evaluation_report: FREE_JSON,
    approval_status: LATER_APPROVAL,
    approved_at: STAMP,
    is_valid: FLAG,
    metadata: JSON_OBJECT,
    user_metadata: JSON_OBJECT,
    ...OWNED,
  },
  createRules: [
    associatedResult({ referenceModel: 'reference_model', modelColumn: 'model', referenceFreesDataset: true }),
  ],
  changeRules: [notFinalized],
  derivations: [finalization],
};

const MODEL_SIDE: AssociationSide = { table: 'model_associations', column: 'model' };
const DATASET_SIDE: AssociationSide = { table: 'dataset_associations', column: 'dataset' };

export const MODEL_ASSOCIATIONS: Resource = {
  table: MODEL_SIDE.table,
  schema: 'BenchmarkModel',
  maker: 'initiated_by',
  order: ['priority desc'],
  fields: { ...associationFields('model', 'models'), priority: PRIORITY },
  createRules: [
    inTurn(MODEL_SIDE),
    APPROVED_BENCHMARK,
    operationalComponent(MODEL_SIDE, 'models', 'model'),
    followsNewest(MODEL_SIDE),
  ],
  fieldRules: { approval_status: pendingDecision },
  derivations: [stampDecision, approvedAtOnce(agreedBeforehand(MODEL_SIDE, 'models', 'model'))],
};

export const DATASET_ASSOCIATIONS: Resource = {
  table: DATASET_SIDE.table,
  schema: 'BenchmarkDataset',
  maker: 'initiated_by',
  order: ['modified_at'],
  fields: associationFields('dataset', 'datasets'),
  createRules: [
    inTurn(DATASET_SIDE),
    APPROVED_BENCHMARK,
    operationalComponent(DATASET_SIDE, 'datasets', 'dataset'),
    samePreparator,
    followsNewest(DATASET_SIDE),
  ],
  fieldRules: { approval_status: pendingDecision },
  derivations: [stampDecision, approvedAtOnce(agreedBeforehand(DATASET_SIDE, 'datasets', 'dataset'))],
};
