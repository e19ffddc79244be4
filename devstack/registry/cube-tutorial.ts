import { MedperfError } from '../../contract';
import type { Row } from './database';
import { createRow } from './operations';
import type { Caller, View } from './resource';
import { isContainerTutorial } from './tutorial';
import type { Tutorial, TutorialBenchmark, TutorialCube } from './tutorial';

export interface TutorialNames {
  readonly dataPreparator: string;
  readonly referenceModel: string;
  readonly metrics: string;
  readonly benchmark: string;
}

/** What seeds the tutorial's three cubes and its benchmark on a server that knows cubes. */
export function seedCubes(cubes: View, benchmarks: View, names: TutorialNames) {
  return async (owner: Caller, tutorial: Tutorial): Promise<Row> => {
    if (isContainerTutorial(tutorial)) throw wrongShape('cubes', 'containers');
    const cube = async (part: 'dataPreparator' | 'referenceModel' | 'metrics'): Promise<unknown> =>
      (await createRow(owner, cubes, cubeBody(tutorial[part], names[part]))).id;
    const preparator = await cube('dataPreparator');
    const model = await cube('referenceModel');
    return createRow(owner, benchmarks, {
      ...benchmarkBody(tutorial.benchmark, names.benchmark),
      data_preparation_mlcube: preparator,
      reference_model_mlcube: model,
      data_evaluator_mlcube: await cube('metrics'),
    });
  };
}

export function wrongShape(expected: string, found: string): MedperfError {
  return new MedperfError('InvalidRequest', {
    what: 'The tutorial does not fit the dialect of the registry.',
    expected,
    found,
    next: 'Give the tutorial of the same dialect.',
  });
}

export function benchmarkBody(benchmark: TutorialBenchmark, name: string): Readonly<Record<string, string>> {
  return {
    name: benchmark.name ?? name,
    description: benchmark.description ?? 'benchmark-sample',
    demo_dataset_tarball_url: benchmark.demoDatasetUrl,
    demo_dataset_tarball_hash: benchmark.demoDatasetHash,
    demo_dataset_generated_uid: benchmark.demoDatasetGeneratedUid,
    state: 'OPERATION',
  };
}

/** Fields that the dialect does not know are ignored by it, as those of any client. */
function cubeBody(cube: TutorialCube, name: string): Readonly<Record<string, string>> {
  return {
    name: cube.name ?? name,
    git_mlcube_url: cube.manifestUrl,
    mlcube_hash: cube.manifestHash,
    git_parameters_url: cube.parametersUrl ?? '',
    parameters_hash: cube.parametersHash ?? '',
    image_tarball_url: '',
    image_tarball_hash: '',
    image_hash: cube.imageHash ?? '',
    additional_files_tarball_url: cube.additionalFilesUrl ?? '',
    additional_files_tarball_hash: cube.additionalFilesHash ?? '',
    state: 'OPERATION',
  };
}
