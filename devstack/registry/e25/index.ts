import { seedCubes } from '../cube-tutorial';
import type { Dialect } from '../dialect';
import { fullView } from '../resource';
import { ENDPOINTS } from './endpoints';
import { MIGRATIONS } from './migrations';
import { BENCHMARKS, CUBES } from './resources';

const benchmarks = fullView(BENCHMARKS);

/** MedPerf's server of April 2025: cubes, tokens of an identity provider, SHA-256. */
export const E25: Dialect = {
  name: 'E25',
  passwords: false,
  migrations: MIGRATIONS,
  endpoints: ENDPOINTS,
  benchmarks,
  seed: seedCubes(fullView(CUBES), benchmarks, {
    dataPreparator: 'chestxray_prep',
    referenceModel: 'chestxray_cnn',
    metrics: 'chestxray_metrics',
    benchmark: 'chestxray',
  }),
};
