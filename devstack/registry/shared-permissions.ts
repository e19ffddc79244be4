import { whereFound } from './permissions';

/** The owner of the cube that prepares a dataset of the user whom the path names. */
export const preparatorOfUser = whereFound(
  'id',
  `select 1 from datasets join mlcubes on mlcubes.id = datasets.data_preparation_mlcube
   where datasets.owner = $1 and mlcubes.owner = $2`,
);

export const resultsDatasetOwner = whereFound(
  'id',
  'select 1 from results join datasets on datasets.id = results.dataset where results.id = $1 and datasets.owner = $2',
);

export const resultsBenchmarkOwner = whereFound(
  'id',
  `select 1 from results join benchmarks on benchmarks.id = results.benchmark
   where results.id = $1 and benchmarks.owner = $2`,
);
