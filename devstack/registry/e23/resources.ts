import { PRIORITY, associationFields } from '../association-fields';
import {
  APPROVED_BENCHMARK,
  OPERATIONAL_BENCHMARK,
  approvedAtOnce,
  followsNewest,
  inTurn,
  operationalComponent,
  pendingDecision,
  sameOwner,
  statedStatus,
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
  associatedResult,
  benchmarkDecision,
  frozenInOperation,
  onePendingBenchmark,
  operationalParts,
  stampDecision,
} from '../rules';
import { EDITABLE_OPERATIONAL_BENCHMARK, MLCUBE, benchmarkFields } from '../shared-fields';
import { decidedInOperation, stampWhileDecided } from './rules';

export const CUBES: Resource = {
  table: 'mlcubes',
  schema: 'MlCube',
  maker: 'owner',
  order: ['modified_at'],
  fields: {
    name: uniqueName('ml cube', 20),
    git_mlcube_url: requiredText(256),
    mlcube_hash: requiredText(100),
    git_parameters_url: presentText(256),
    parameters_hash: presentText(100),
    image_tarball_url: presentText(256),
    image_tarball_hash: presentText(100),
    additional_files_tarball_url: presentText(256),
    additional_files_tarball_hash: presentText(100),
    state: STATE,
    is_valid: FLAG,
    metadata: FREE_JSON,
    user_metadata: FREE_JSON,
    ...OWNED,
  },
  uniqueSet: {
    columns: [
      'image_tarball_url',
      'image_tarball_hash',
      'additional_files_tarball_url',
      'additional_files_tarball_hash',
      'git_mlcube_url',
      'mlcube_hash',
      'git_parameters_url',
      'parameters_hash',
    ],
  },
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

const operationalCubes = operationalParts(
  { data_preparation_mlcube: 'mlcubes', reference_model_mlcube: 'mlcubes', data_evaluator_mlcube: 'mlcubes' },
  'MLCubes',
);

export const BENCHMARKS: Resource = {
  table: 'benchmarks',
  schema: 'Benchmark',
  maker: 'owner',
  order: ['modified_at'],
  fields: benchmarkFields(
    { name: 20, description: 100 },
    { data_preparation_mlcube: MLCUBE, reference_model_mlcube: MLCUBE, data_evaluator_mlcube: MLCUBE },
    optionalText(256),
  ),
  fieldRules: { state: operationalCubes, approval_status: benchmarkDecision },
  createRules: [onePendingBenchmark, operationalCubes],
  changeRules: [decidedInOperation, frozenInOperation],
  editableInOperation: EDITABLE_OPERATIONAL_BENCHMARK,
  derivations: [stampWhileDecided],
};

export const DATASETS: Resource = {
  table: 'datasets',
  schema: 'Dataset',
  maker: 'owner',
  order: ['modified_at'],
  fields: {
    name: requiredText(20),
    description: optionalText(20),
    location: optionalText(100),
    input_data_hash: requiredText(128),
    generated_uid: { ...requiredText(128), unique: 'dataset with this generated uid already exists.' },
    split_seed: { kind: 'integer', default: 0, required: true },
    data_preparation_mlcube: MLCUBE,
    state: STATE,
    is_valid: FLAG,
    generated_metadata: JSON_OBJECT,
    user_metadata: FREE_JSON,
    ...OWNED,
  },
  changeRules: [frozenInOperation],
  editableInOperation: ['is_valid', 'user_metadata'],
};

const associated = associatedResult({
  referenceModel: 'reference_model_mlcube',
  modelColumn: 'model_mlcube',
  referenceFreesDataset: false,
});

export const RESULTS: Resource = {
  table: 'results',
  schema: 'ModelResult',
  maker: 'owner',
  order: ['modified_at'],
  fields: {
    name: optionalText(20),
    benchmark: reference('benchmarks'),
    model: MLCUBE,
    dataset: reference('datasets'),
    results: { ...JSON_OBJECT, required: true },
    metadata: JSON_OBJECT,
    approval_status: LATER_APPROVAL,
    approved_at: STAMP,
    ...OWNED,
  },
  createRules: [associated],
  changeRules: [associated],
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
    OPERATIONAL_BENCHMARK,
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
    OPERATIONAL_BENCHMARK,
    APPROVED_BENCHMARK,
    operationalComponent(DATASET_SIDE, 'datasets', 'dataset'),
    statedStatus,
    followsNewest(DATASET_SIDE),
  ],
  fieldRules: { approval_status: pendingDecision },
  derivations: [stampDecision, approvedAtOnce(sameOwner(DATASET_SIDE, 'datasets'))],
};
