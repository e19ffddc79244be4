import { benchmarkComponents, componentAssociations, ownAssociations } from '../association-lists';
import { associationEndpoints } from '../associations';
import type { AssociationKind } from '../associations';
import { change, create, list, ownRows, read, remove, rowsOf } from '../operations';
import type { Endpoint } from '../operations';
import { administrator, administratorOr, ownerNamed, ownerOf } from '../permissions';
import { fullView } from '../resource';
import { preparatorOfUser, resultsBenchmarkOwner, resultsDatasetOwner } from '../shared-permissions';
import { me, oneself } from '../users';
import { BENCHMARKS, CUBES, DATASETS, DATASET_ASSOCIATIONS, MODEL_ASSOCIATIONS, RESULTS } from './resources';
import { USER, USERS, passwordChange } from './users';

const CUBE = fullView(CUBES);
const BENCHMARK = fullView(BENCHMARKS);
const DATASET = fullView(DATASETS);
const RESULT = fullView(RESULTS);

const MODELS_OF_BENCHMARKS: AssociationKind = {
  table: 'model_associations',
  column: 'model_mlcube',
  what: 'model',
  associations: MODEL_ASSOCIATIONS,
  component: CUBES,
  benchmarks: BENCHMARKS,
  anyPartyRemoves: true,
};
const DATASETS_OF_BENCHMARKS: AssociationKind = {
  table: 'dataset_associations',
  column: 'dataset',
  what: 'dataset',
  associations: DATASET_ASSOCIATIONS,
  component: DATASETS,
  benchmarks: BENCHMARKS,
  anyPartyRemoves: true,
  refusesUnknownPair: true,
  failsWithoutStatus: true,
};

const cubeOwner = administratorOr(ownerOf(CUBES, 'id'));
const benchmarkOwner = administratorOr(ownerOf(BENCHMARKS, 'id'));
const datasetOwner = administratorOr(ownerOf(DATASETS, 'id'));
const resultOwner = administratorOr(ownerOf(RESULTS, 'id'));
const resultParties = administratorOr(resultsDatasetOwner, resultsBenchmarkOwner);

export const ENDPOINTS: readonly Endpoint[] = [
  { path: '/me/', GET: me(USER) },
  { path: '/me/password/', POST: passwordChange },
  { path: '/me/benchmarks/', GET: ownRows(BENCHMARK) },
  { path: '/me/mlcubes/', GET: ownRows(CUBE) },
  { path: '/me/datasets/', GET: ownRows(DATASET) },
  { path: '/me/results/', GET: ownRows(RESULT) },
  { path: '/me/mlcubes/associations/', GET: ownAssociations(MODELS_OF_BENCHMARKS) },
  { path: '/me/datasets/associations/', GET: ownAssociations(DATASETS_OF_BENCHMARKS) },
  { path: '/users/', GET: list(USER, { permit: administrator }), POST: create(USER, administrator) },
  {
    path: '/users/:id/',
    GET: read(USER, { permit: administratorOr(oneself, preparatorOfUser) }),
    PUT: change(USER, administratorOr(oneself), 'complete'),
    DELETE: remove(USERS),
  },
  { path: '/mlcubes/', GET: list(CUBE), POST: create(CUBE) },
  { path: '/mlcubes/:id/', GET: read(CUBE), PUT: change(CUBE, cubeOwner), DELETE: remove(CUBES) },
  { path: '/mlcubes/:id/benchmarks/', GET: componentAssociations(MODELS_OF_BENCHMARKS) },
  ...associationEndpoints('mlcubes', MODELS_OF_BENCHMARKS),
  { path: '/benchmarks/', GET: list(BENCHMARK), POST: create(BENCHMARK) },
  {
    path: '/benchmarks/:id/',
    GET: read(BENCHMARK),
    PUT: change(BENCHMARK, benchmarkOwner),
    DELETE: remove(BENCHMARKS),
  },
  { path: '/benchmarks/:id/models/', GET: benchmarkComponents(MODELS_OF_BENCHMARKS, CUBE) },
  { path: '/benchmarks/:id/datasets/', GET: benchmarkComponents(DATASETS_OF_BENCHMARKS, DATASET) },
  {
    path: '/benchmarks/:id/results/',
    GET: rowsOf(RESULT, ({ ids }) => ({ where: 'where benchmark = $1', values: [ids.id] }), {
      permit: benchmarkOwner,
      exists: BENCHMARKS,
    }),
  },
  { path: '/datasets/', GET: list(DATASET), POST: create(DATASET) },
  { path: '/datasets/:id/', GET: read(DATASET), PUT: change(DATASET, datasetOwner), DELETE: remove(DATASETS) },
  { path: '/datasets/:id/benchmarks/', GET: componentAssociations(DATASETS_OF_BENCHMARKS) },
  ...associationEndpoints('datasets', DATASETS_OF_BENCHMARKS),
  {
    path: '/results/',
    GET: list(RESULT, { permit: administrator }),
    POST: create(RESULT, administratorOr(ownerNamed(DATASETS, 'dataset'))),
  },
  {
    path: '/results/:id/',
    GET: read(RESULT, { permit: resultParties }),
    PUT: change(RESULT, resultOwner, 'complete'),
    DELETE: remove(RESULTS, resultOwner),
  },
];
