import { associatedOwner, benchmarkAssociations, ownAssociations } from '../association-lists';
import { associationEndpoints } from '../associations';
import type { AssociationKind } from '../associations';
import { change, create, idOf, list, mustExist, ownRows, read, remove, rowsOf } from '../operations';
import type { Endpoint, Operation } from '../operations';
import { administrator, administratorOr, ownerNamed, ownerOf, whenMentioned } from '../permissions';
import { Refusal } from '../refusals';
import { fullView, viewWithout } from '../resource';
import { page } from '../pages';
import { preparatorOfUser, resultsBenchmarkOwner, resultsDatasetOwner } from '../shared-permissions';
import { USERS, USER_VIEW, me, oneself } from '../users';
import { BENCHMARKS, CUBES, DATASETS, DATASET_ASSOCIATIONS, MODEL_ASSOCIATIONS, RESULTS } from './resources';

const CUBE = fullView(CUBES);
const BENCHMARK = fullView(BENCHMARKS);
const DATASET = fullView(DATASETS);
/** What everybody sees of a dataset, its owner included. */
const PUBLIC_DATASET = viewWithout('DatasetPublic', DATASET, ['owner', 'report']);
const RESULT = fullView(RESULTS);

const MODELS_OF_BENCHMARKS: AssociationKind = {
  table: 'model_associations',
  column: 'model_mlcube',
  what: 'model',
  associations: MODEL_ASSOCIATIONS,
  component: CUBES,
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
const benchmarkOwner = administratorOr(ownerOf(BENCHMARKS, 'id'));
const datasetOwner = administratorOr(ownerOf(DATASETS, 'id'));
const benchmarkOrDatasetOwner = administratorOr(ownerOf(BENCHMARKS, 'id'), associatedOwner(DATASETS_OF_BENCHMARKS));
const resultParties = administratorOr(resultsDatasetOwner, resultsBenchmarkOwner);

/** Datasets that a cube under development prepares: its owner follows how they fare. */
const datasetsOfCube: Operation = {
  permit: cubeOwner,
  answer: async (call) => {
    await mustExist(call, CUBES, 'id');
    const id = idOf(call, 'id');
    const operational = "select 1 from mlcubes where id = $1 and state = 'OPERATION'";
    if ((await call.sql.query(operational, [id])).length > 0) {
      throw new Refusal(400, { error: 'The cube is not in DEVELOPMENT; its datasets are not shown.' });
    }
    return page(call, { view: DATASET, where: 'where data_preparation_mlcube = $1', values: [id] });
  },
  document: { status: 200, response: { page: DATASET }, statuses: [400] },
};

export const ENDPOINTS: readonly Endpoint[] = [
  { path: '/me/', GET: me(USER_VIEW) },
  { path: '/me/benchmarks/', GET: ownRows(BENCHMARK) },
  { path: '/me/mlcubes/', GET: ownRows(CUBE) },
  { path: '/me/datasets/', GET: ownRows(DATASET) },
  { path: '/me/results/', GET: ownRows(RESULT) },
  { path: '/me/mlcubes/associations/', GET: ownAssociations(MODELS_OF_BENCHMARKS) },
  { path: '/me/datasets/associations/', GET: ownAssociations(DATASETS_OF_BENCHMARKS) },
  { path: '/users/', GET: list(USER_VIEW, { permit: administrator }) },
  {
    path: '/users/:id/',
    GET: read(USER_VIEW, { permit: administratorOr(oneself, preparatorOfUser) }),
    PUT: change(USER_VIEW, administrator, 'complete'),
    DELETE: remove(USERS),
  },
  { path: '/mlcubes/', GET: list(CUBE), POST: create(CUBE) },
  { path: '/mlcubes/:id/', GET: read(CUBE), PUT: change(CUBE, cubeOwner), DELETE: remove(CUBES) },
  { path: '/mlcubes/:id/datasets/', GET: datasetsOfCube },
  ...associationEndpoints('mlcubes', MODELS_OF_BENCHMARKS),
  { path: '/benchmarks/', GET: list(BENCHMARK), POST: create(BENCHMARK) },
  {
    path: '/benchmarks/:id/',
    GET: read(BENCHMARK),
    PUT: change(BENCHMARK, whenMentioned('approval_status', administrator, benchmarkOwner)),
    DELETE: remove(BENCHMARKS),
  },
  { path: '/benchmarks/:id/models/', GET: benchmarkAssociations(MODELS_OF_BENCHMARKS, benchmarkOrDatasetOwner) },
  { path: '/benchmarks/:id/datasets/', GET: benchmarkAssociations(DATASETS_OF_BENCHMARKS, benchmarkOwner) },
  {
    path: '/benchmarks/:id/results/',
    GET: rowsOf(RESULT, ({ ids }) => ({ where: 'where benchmark = $1', values: [ids.id] }), {
      permit: benchmarkOwner,
      exists: BENCHMARKS,
    }),
  },
  { path: '/datasets/', GET: list(PUBLIC_DATASET), POST: create(DATASET) },
  { path: '/datasets/:id/', GET: read(PUBLIC_DATASET), PUT: change(DATASET, datasetOwner), DELETE: remove(DATASETS) },
  ...associationEndpoints('datasets', DATASETS_OF_BENCHMARKS),
  {
    path: '/results/',
    GET: list(RESULT, { permit: administrator }),
    POST: create(RESULT, administratorOr(ownerNamed(DATASETS, 'dataset'))),
  },
  {
    path: '/results/:id/',
    GET: read(RESULT, { permit: resultParties }),
    PUT: change(RESULT, administrator),
    DELETE: remove(RESULTS),
  },
];
