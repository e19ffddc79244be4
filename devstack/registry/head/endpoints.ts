import {
  associatedComponents,
  associatedOwner,
  benchmarkAssociations,
  componentAssociations,
  ownAssociations,
} from '../association-lists';
import { associationEndpoints } from '../associations';
import type { AssociationKind } from '../associations';
import { JSON_OBJECT } from '../field-kinds';
import { change, create, list, ownRows, read, remove, rowsOf } from '../operations';
import type { Endpoint } from '../operations';
import { administrator, administratorOr, ownerNamed, ownerOf, whenMentioned, whereFound } from '../permissions';
import { fullView, viewOf, viewWithout, withNested } from '../resource';
import type { Field, Resource } from '../resource';
import { preparatorOfUser, resultsBenchmarkOwner, resultsDatasetOwner } from '../shared-permissions';
import { USERS as SHARED_USERS, me, oneself } from '../users';
import { CERTIFICATES, ENCRYPTED_KEYS } from './certificates';
import { ENCRYPTED_KEY, changeKeys, createKeys } from './encrypted-keys';
import { MODEL, changeModel, createModelOperation, modelOf } from './models';
import {
  ALLOW_LISTS,
  ASSETS,
  BENCHMARKS,
  CUBES,
  DATASETS,
  DATASET_ASSOCIATIONS,
  EXECUTIONS,
  MODELS,
  MODEL_ASSOCIATIONS,
} from './resources';

const CUBE = fullView(CUBES);
const ASSET = fullView(ASSETS);
const BENCHMARK = fullView(BENCHMARKS);
const PUBLIC_BENCHMARK = viewWithout('BenchmarkPublic', BENCHMARK, ALLOW_LISTS);
const DATASET = fullView(DATASETS);
const PUBLIC_DATASET = viewWithout('DatasetPublic', DATASET, ['report']);
const EXECUTION = fullView(EXECUTIONS);
const CERTIFICATE = fullView(CERTIFICATES);

/** A user says of himself what he likes, and nothing else. */
const USERS: Resource = {
  ...SHARED_USERS,
  fields: {
    ...Object.fromEntries(
      Object.entries(SHARED_USERS.fields).map(([name, field]): [string, Field] => [
        name,
        { ...field, writable: 'never' },
      ]),
    ),
    metadata: JSON_OBJECT,
  },
};
const USER = fullView(USERS);

const MODELS_OF_BENCHMARKS: AssociationKind = {
  table: 'model_associations',
  column: 'model',
  what: 'model',
  associations: MODEL_ASSOCIATIONS,
  component: MODELS,
  benchmarks: BENCHMARKS,
};
const DATASETS_OF_BENCHMARKS: AssociationKind = {
  table: 'dataset_associations',
  column: 'dataset',
  what: 'dataset',
  associations: DATASET_ASSOCIATIONS,
  component: DATASETS,
  benchmarks: BENCHMARKS,
};

const cubeOwner = administratorOr(ownerOf(CUBES, 'id'));
const assetOwner = administratorOr(ownerOf(ASSETS, 'id'));
const modelOwner = administratorOr(ownerOf(MODELS, 'id'));
const datasetOwner = administratorOr(ownerOf(DATASETS, 'id'));
const certificateOwner = administratorOr(ownerOf(CERTIFICATES, 'id'));
const ofBenchmark = ownerOf(BENCHMARKS, 'id');
const benchmarkOwner = administratorOr(ofBenchmark);
const benchmarkOrDatasetOwner = administratorOr(ofBenchmark, associatedOwner(DATASETS_OF_BENCHMARKS));
const benchmarkOrModelOwner = administratorOr(ofBenchmark, associatedOwner(MODELS_OF_BENCHMARKS));

/** Whoever owns the dataset or the cube that prepares it; not the administrator. */
const seesReport = whereFound(
  'id',
  `select 1 from datasets join mlcubes on mlcubes.id = data_preparation_mlcube
   where datasets.id = $1 and (datasets.owner = $2 or mlcubes.owner = $2)`,
);

const ASSOCIATED_DATASETS = `select id from datasets where id in (${associatedComponents(DATASETS_OF_BENCHMARKS)})`;
const PARTICIPANT = withNested(viewOf('Participant', DATASETS, ['id', 'owner']), { owner: USER });
const CERTIFICATE_OF_USER = withNested(CERTIFICATE, { owner: USER }, 'CertificateWithOwner');

const OWNED_FILTERS = ['name', 'owner', 'state', 'is_valid'];

export const ENDPOINTS: readonly Endpoint[] = [
  { path: '/me/', GET: me(USER) },
  { path: '/me/benchmarks/', GET: ownRows(BENCHMARK) },
  { path: '/me/mlcubes/', GET: ownRows(CUBE) },
  { path: '/me/models/', GET: ownRows(MODEL) },
  { path: '/me/assets/', GET: ownRows(ASSET) },
  { path: '/me/datasets/', GET: ownRows(DATASET) },
  { path: '/me/results/', GET: ownRows(EXECUTION) },
  { path: '/me/models/associations/', GET: ownAssociations(MODELS_OF_BENCHMARKS) },
  { path: '/me/datasets/associations/', GET: ownAssociations(DATASETS_OF_BENCHMARKS) },
  { path: '/me/certificates/', GET: ownRows(CERTIFICATE, ['name', 'owner', 'ca', 'is_valid', 'key_type']) },
  {
    path: '/me/encrypted_keys/',
    GET: ownRows(ENCRYPTED_KEY, ['name', 'owner', 'certificate', 'container', 'is_valid']),
  },
  { path: '/users/', GET: list(USER, { permit: administrator }) },
  {
    path: '/users/:id/',
    GET: read(USER, { permit: administratorOr(oneself, preparatorOfUser) }),
    PUT: change(USER, administratorOr(oneself)),
    DELETE: remove(USERS),
  },
  { path: '/users/:id/metadata/', GET: read(viewOf('UserMetadata', USERS, ['metadata'])) },
  { path: '/mlcubes/', GET: list(CUBE, { filters: OWNED_FILTERS }), POST: create(CUBE) },
  { path: '/mlcubes/:id/', GET: read(CUBE), PUT: change(CUBE, cubeOwner), DELETE: remove(CUBES) },
  { path: '/mlcubes/:id/model/', GET: modelOf('container') },
  {
    path: '/mlcubes/:id/datasets/',
    GET: rowsOf(DATASET, ({ ids }) => ({ where: 'where data_preparation_mlcube = $1', values: [ids.id] }), {
      permit: cubeOwner,
      exists: CUBES,
    }),
  },
  { path: '/assets/', GET: list(ASSET, { filters: OWNED_FILTERS }), POST: create(ASSET) },
  { path: '/assets/:id/', GET: read(ASSET), PUT: change(ASSET, assetOwner), DELETE: remove(ASSETS) },
  { path: '/assets/:id/model/', GET: modelOf('asset') },
  { path: '/models/', GET: list(MODEL, { filters: ['type'] }), POST: createModelOperation },
  { path: '/models/:id/', GET: read(MODEL), PUT: changeModel(modelOwner), DELETE: remove(MODELS) },
  { path: '/models/:id/benchmarks/', GET: componentAssociations(MODELS_OF_BENCHMARKS, modelOwner) },
  ...associationEndpoints('models', MODELS_OF_BENCHMARKS),
  {
    path: '/benchmarks/',
    GET: list(PUBLIC_BENCHMARK, {
      filters: [...OWNED_FILTERS, 'is_active', 'approval_status', 'data_preparation_mlcube'],
    }),
    POST: create(BENCHMARK),
  },
  {
    path: '/benchmarks/:id/',
    GET: read(PUBLIC_BENCHMARK, { instead: { view: BENCHMARK, to: ofBenchmark } }),
    PUT: change(BENCHMARK, whenMentioned('approval_status', administrator, benchmarkOwner)),
    DELETE: remove(BENCHMARKS),
  },
  { path: '/benchmarks/:id/models/', GET: benchmarkAssociations(MODELS_OF_BENCHMARKS, benchmarkOrDatasetOwner) },
  { path: '/benchmarks/:id/datasets/', GET: benchmarkAssociations(DATASETS_OF_BENCHMARKS, benchmarkOrModelOwner) },
  {
    path: '/benchmarks/:id/results/',
    GET: rowsOf(EXECUTION, ({ ids }) => ({ where: 'where benchmark = $1', values: [ids.id] }), {
      permit: benchmarkOwner,
      exists: BENCHMARKS,
    }),
  },
  {
    path: '/benchmarks/:id/participants_info/',
    GET: rowsOf(PARTICIPANT, ({ ids }) => ({ where: `where id in (${ASSOCIATED_DATASETS})`, values: [ids.id] }), {
      permit: benchmarkOwner,
      exists: BENCHMARKS,
    }),
  },
  {
    path: '/benchmarks/:id/datasets_certificates/',
    GET: rowsOf(
      CERTIFICATE_OF_USER,
      ({ ids }) => ({
        where: `where is_valid and owner in (select owner from datasets where id in (${ASSOCIATED_DATASETS}))`,
        values: [ids.id],
      }),
      { permit: benchmarkOrModelOwner, exists: BENCHMARKS },
    ),
  },
  { path: '/datasets/', GET: list(PUBLIC_DATASET), POST: create(DATASET) },
  {
    path: '/datasets/:id/',
    GET: read(PUBLIC_DATASET, { instead: { view: DATASET, to: seesReport } }),
    PUT: change(DATASET, datasetOwner),
    DELETE: remove(DATASETS),
  },
  { path: '/datasets/:id/benchmarks/', GET: componentAssociations(DATASETS_OF_BENCHMARKS, datasetOwner) },
  ...associationEndpoints('datasets', DATASETS_OF_BENCHMARKS),
  {
    path: '/results/',
    GET: list(EXECUTION, {
      permit: administrator,
      filters: ['name', 'owner', 'benchmark', 'model', 'dataset', 'is_valid', 'approval_status'],
    }),
    POST: create(EXECUTION, administratorOr(ownerNamed(DATASETS, 'dataset'))),
  },
  {
    path: '/results/:id/',
    GET: read(EXECUTION, { permit: administratorOr(resultsDatasetOwner, resultsBenchmarkOwner) }),
    PUT: change(EXECUTION, administratorOr(resultsDatasetOwner)),
    DELETE: remove(EXECUTIONS),
  },
  { path: '/certificates/', GET: list(CERTIFICATE, { permit: administrator }), POST: create(CERTIFICATE) },
  {
    path: '/certificates/:id/',
    GET: read(CERTIFICATE, { permit: certificateOwner }),
    PUT: change(CERTIFICATE, certificateOwner),
  },
  {
    path: '/certificates/:id/encrypted_keys/',
    GET: rowsOf(ENCRYPTED_KEY, ({ ids }) => ({ where: 'where certificate = $1', values: [ids.id] }), {
      permit: certificateOwner,
      exists: CERTIFICATES,
    }),
  },
  { path: '/encrypted_keys/', GET: list(ENCRYPTED_KEY, { permit: administrator }) },
  { path: '/encrypted_keys/bulk/', POST: createKeys, PUT: changeKeys },
  {
    path: '/encrypted_keys/:id/',
    GET: read(ENCRYPTED_KEY, { permit: administratorOr(ownerOf(ENCRYPTED_KEYS, 'id')) }),
  },
];
