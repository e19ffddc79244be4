import { benchmarkBody, wrongShape } from '../cube-tutorial';
import type { Dialect } from '../dialect';
import { createRow } from '../operations';
import { fullView } from '../resource';
import { isContainerTutorial } from '../tutorial';
import type { TutorialContainer } from '../tutorial';
import { ENDPOINTS } from './endpoints';
import { MIGRATIONS } from './migrations';
import { createModel } from './models';
import { BENCHMARKS, CUBES } from './resources';

const containers = fullView(CUBES);
const benchmarks = fullView(BENCHMARKS);

/** MedPerf's server of May 2026: configurations of containers, models and assets. */
export const HEAD: Dialect = {
  name: 'HEAD',
  passwords: false,
  migrations: MIGRATIONS,
  endpoints: ENDPOINTS,
  benchmarks,
  seed: async (owner, tutorial) => {
    if (!isContainerTutorial(tutorial)) throw wrongShape('containers', 'cubes');
    const preparator = await createRow(owner, containers, containerBody(tutorial.dataPreparator, 'chestxray_prep'));
    const container = containerBody(tutorial.referenceModel, 'chestxray_cnn');
    const { name, state } = container;
    const model = await createModel(owner, { name, type: 'CONTAINER', state, container });
    const metrics = await createRow(owner, containers, containerBody(tutorial.metrics, 'chestxray_metrics'));
    return createRow(owner, benchmarks, {
      ...benchmarkBody(tutorial.benchmark, 'chestxray'),
      data_preparation_mlcube: preparator.id,
      reference_model: model.id,
      data_evaluator_mlcube: metrics.id,
    });
  },
};

function containerBody(part: TutorialContainer, name: string): Readonly<Record<string, unknown>> {
  return {
    name: part.name ?? name,
    container_config: part.containerConfig,
    parameters_config: part.parametersConfig,
    image_hash: part.imageHash,
    additional_files_tarball_url: part.additionalFilesUrl ?? '',
    additional_files_tarball_hash: part.additionalFilesHash ?? '',
    state: 'OPERATION',
  };
}
