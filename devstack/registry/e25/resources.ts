import { PRIORITY, associationFields } from '../association-fields';
import {
  APPROVED_BENCHMARK,
  approvedAtOnce,
  followsNewest,
  inTurn,
  operationalComponent,
  pendingDecision,
  sameOwner,
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
import type { Resource } from '../resource';
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
import type { BenchmarkParts } from '../rules';
import { EDITABLE_OPERATIONAL_BENCHMARK, MLCUBE, benchmarkFields, preparedLaterDatasetFields } from '../shared-fields';
import { imageOneWay } from './rules';

export const CUBES: Resource = {
  table: 'mlcubes',
  schema: 'MlCube',
  maker: 'owner',
  order: ['modified_at'],
  fields: {
    name: uniqueName('ml cube', 20),
    git_mlcube_url: requiredText(256),
    mlcube_hash: requiredText(100),
    git_parameters_url: optionalText(256),
    parameters_hash: presentText(100),
    image_tarball_url: optionalText(256),
    image_tarball_hash: presentText(100),
    image_hash: presentText(100),
    additional_files_tarball_url: optionalText(256),
    additional_files_tarball_hash: presentText(100),
    state: STATE,
    is_valid: FLAG,
    metadata: FREE_JSON,
    user_metadata: FREE_JSON,
    ...OWNED,
  },
  uniqueSet: {
    columns: ['image_tarball_hash', 'image_hash', 'additional_files_tarball_hash', 'mlcube_hash', 'parameters_hash'],
  },
  createRules: [
    wholePair('git_parameters_url', 'parameters_hash', { required: 'Parameters', lonely: 'Paramters' }),
    wholePair('additional_files_tarball_url', 'additional_files_tarball_hash', {
      required: 'Additional files',
      lonely: 'Additional files',
    }),
    imageOneWay,
    wholePair('image_tarball_url', 'image_tarball_hash', { required: 'Image tarball', lonely: 'Image tarball' }),
  ],
  changeRules: [frozenInOperation],
  editableInOperation: [
    'is_valid',
    'user_metadata',
    'git_mlcube_url',
    'git_parameters_url',
    'image_tarball_url',
    'additional_files_tarball_url',
  ],
};

const PARTS: BenchmarkParts = {
  data_preparation_mlcube: 'mlcubes',
  reference_model_mlcube: 'mlcubes',
  data_evaluator_mlcube: 'mlcubes',
};
const operationalCubes = operationalParts(PARTS, 'MLCubes');

export const BENCHMARKS: Resource = {
  table: 'benchmarks',
  schema: 'Benchmark',
  maker: 'owner',
  order: ['modified_at'],
  fields: benchmarkFields(
    { name: 20, description: 100 },
    { data_preparation_mlcube: MLCUBE, reference_model_mlcube: MLCUBE, data_evaluator_mlcube: MLCUBE },
  ),
  fieldRules: { state: operationalCubes, approval_status: benchmarkDecision },
  createRules: [onePendingBenchmark, operationalCubes],
  changeRules: [frozenInOperation],
  editableInOperation: EDITABLE_OPERATIONAL_BENCHMARK,
  derivations: [stampDecision],
};

export const DATASETS: Resource = {
  table: 'datasets',
  schema: 'Dataset',
  maker: 'owner',
  order: ['modified_at'],
  fields: preparedLaterDatasetFields({ name: 20, description: 20, location: 100 }),
  changeRules: [frozenInOperation, newGeneratedUid],
  editableInOperation: ['is_valid', 'user_metadata'],
  constraints: { datasets_operational: { non_field_errors: [SAME_GENERATED_UID] } },
};

export const RESULTS: Resource = {
  table: 'results',
  schema: 'ModelResult',
  maker: 'owner',
  order: ['modified_at'],
  fields: {
    name: optionalText(20),
    benchmark: { ...reference('benchmarks'), writable: 'create' },
    model: { ...MLCUBE, writable: 'create' },
    dataset: { ...reference('datasets'), writable: 'create' },
    results: { kind: 'json', default: {}, required: true, writable: 'create' },
    metadata: JSON_OBJECT,
    user_metadata: JSON_OBJECT,
    approval_status: LATER_APPROVAL,
    approved_at: STAMP,
    is_valid: FLAG,
    ...OWNED,
  },
  createRules: [
    associatedResult({
      referenceModel: 'reference_model_mlcube',
      modelColumn: 'model_mlcube',
      referenceFreesDataset: false,
    }),
  ],
  derivations: [stampDecision],
};

const MODEL_SIDE: AssociationSide = { table: 'model_associations', column: 'model_mlcube' };
const DATASET_SIDE: AssociationSide = { table: 'dataset_associations', column: 'dataset' };

export const MODEL_ASSOCIATIONS: Resource = {
  table: MODEL_SIDE.table,
  schema: 'BenchmarkModel',
  maker: 'initiated_by',
  order: ['priority desc'],
  fields: { ...associationFields('model_mlcube', 'mlcubes'), priority: PRIORITY },
  createRules: [
    inTurn(MODEL_SIDE),
    APPROVED_BENCHMARK,
    operationalComponent(MODEL_SIDE, 'mlcubes', 'model mlcube'),
    followsNewest(MODEL_SIDE),
  ],
  fieldRules: { approval_status: pendingDecision },
  derivations: [stampDecision, approvedAtOnce(sameOwner(MODEL_SIDE, 'mlcubes'))],
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
  derivations: [stampDecision, approvedAtOnce(sameOwner(DATASET_SIDE, 'datasets'))],
};
