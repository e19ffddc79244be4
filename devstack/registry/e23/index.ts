import { seedCubes } from '../cube-tutorial';
import type { Dialect } from '../dialect';
import { fullView } from '../resource';
import { ENDPOINTS } from './endpoints';
import { MIGRATIONS } from './migrations';
import { BENCHMARKS, CUBES } from './resources';

const benchmarks = fullView(BENCHMARKS);

/** MedPerf's server of April 2023, the tutorial's own: cubes, passwords, SHA-1. */
export const E23: Dialect = {
  name: 'E23',
  passwords: true,
  migrations: MIGRATIONS,
  endpoints: ENDPOINTS,
  benchmarks,
  seed: seedCubes(fullView(CUBES), benchmarks, {
    dataPreparator: 'xrv_prep',
    referenceModel: 'xrv_chex_densenet',
    metrics: 'xrv_metrics',
    benchmark: 'xrv',
  }),
};
