import { createAccount } from './accounts';
import { changeBenchmark, createBenchmark } from './benchmarks';
import { createCube } from './cubes';
import type { RunningRegistry } from './server';

/** Where one cube's files are hosted, and their bare hex SHA-256; parts that the cube lacks are absent. */
export interface TutorialCube {
  /** At most 20 characters. */
  readonly name?: string;
  readonly manifestUrl: string;
  readonly manifestHash: string;
  readonly parametersUrl?: string;
  readonly parametersHash?: string;
  readonly additionalFilesUrl?: string;
  readonly additionalFilesHash?: string;
  /** The image's config digest without `sha256:`. */
  readonly imageHash: string;
}

export interface TutorialBenchmark {
  readonly name?: string;
  readonly description?: string;
  readonly demoDatasetUrl: string;
  readonly demoDatasetHash: string;
  /** MedPerf's folder hash of the prepared demo data; no server verifies it. */
  readonly demoDatasetGeneratedUid: string;
}

export interface Tutorial {
  readonly dataPreparator: TutorialCube;
  readonly referenceModel: TutorialCube;
  readonly metrics: TutorialCube;
  readonly benchmark: TutorialBenchmark;
}

/** The tutorial's users in the order of their ids, from 1; the password of all is {@link TUTORIAL_PASSWORD}. */
export const TUTORIAL_USERS = [
  { username: 'admin', email: 'admin@example.com', superuser: true },
  { username: 'testbenchmarkowner', email: 'testbo@example.com', superuser: false },
  { username: 'testmodelowner', email: 'testmo@example.com', superuser: false },
  { username: 'testdataowner', email: 'testdo@example.com', superuser: false },
] as const;

export const TUTORIAL_PASSWORD = 'test';

/**
 * Fills an empty registry like the tutorial: four users, cubes 1 to 3 (data preparator, reference model, metrics) of the
 * benchmark owner, and benchmark 1, operational and approved; all of it or nothing.
 * @returns false when there were users already, and nothing was done.
 * @throws Refusal when a record breaks the registry's rules.
 */
export async function seedTutorial({ database }: RunningRegistry, tutorial: Tutorial): Promise<boolean> {
  return database.transaction(async (sql) => {
    await sql.query('lock table users in exclusive mode');
    if ((await sql.query('select id from users limit 1')).length > 0) return false;
    const ids: number[] = [];
    for (const user of TUTORIAL_USERS) ids.push(await createAccount(sql, { ...user, password: TUTORIAL_PASSWORD }));
    const owner = ids[1] ?? 0;
    const preparator = await createCube(sql, owner, cubeBody(tutorial.dataPreparator, 'chestxray_prep'));
    const model = await createCube(sql, owner, cubeBody(tutorial.referenceModel, 'chestxray_cnn'));
    const metrics = await createCube(sql, owner, cubeBody(tutorial.metrics, 'chestxray_metrics'));
    const benchmark = await createBenchmark(sql, owner, {
      name: tutorial.benchmark.name ?? 'chestxray',
      description: tutorial.benchmark.description ?? 'benchmark-sample',
      demo_dataset_tarball_url: tutorial.benchmark.demoDatasetUrl,
      demo_dataset_tarball_hash: tutorial.benchmark.demoDatasetHash,
      demo_dataset_generated_uid: tutorial.benchmark.demoDatasetGeneratedUid,
      data_preparation_mlcube: preparator.id,
      reference_model_mlcube: model.id,
      data_evaluator_mlcube: metrics.id,
      state: 'OPERATION',
    });
    await changeBenchmark(sql, Number(benchmark.id), { approval_status: 'APPROVED' });
    return true;
  });
}

function cubeBody(cube: TutorialCube, name: string): Readonly<Record<string, string>> {
  return {
    name: cube.name ?? name,
    git_mlcube_url: cube.manifestUrl,
    mlcube_hash: cube.manifestHash,
    git_parameters_url: cube.parametersUrl ?? '',
    parameters_hash: cube.parametersHash ?? '',
    image_tarball_hash: '',
    image_hash: cube.imageHash,
    additional_files_tarball_url: cube.additionalFilesUrl ?? '',
    additional_files_tarball_hash: cube.additionalFilesHash ?? '',
    state: 'OPERATION',
  };
}
