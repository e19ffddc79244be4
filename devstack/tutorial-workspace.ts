import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { hostedFileNames } from '../contract';
import { PACKAGE_ROOT } from './package-root';

/** The tutorial user's own model. */
export const TUTORIAL_MODEL = 'chestxray_mlp';

/**
 * What the tutorial's set-up script does: writes the model that its user takes through MedPerf below `directory`
 * (`medperf_tutorial` in the tutorial's own lines).
 * @returns the cube's folder, which holds `mlcube.yaml` and `container_config.yaml`.
 */
export async function writeTutorialWorkspace(directory: string): Promise<{ directory: string }> {
  const target = join(directory, TUTORIAL_MODEL);
  await cp(join(PACKAGE_ROOT, 'examples', 'cubes', TUTORIAL_MODEL), target, { recursive: true });
  return { directory: join(target, 'mlcube') };
}

/** Has the model's container_config name an archive of its image, since there is no image registry to push it to. */
export async function nameImageArchive(model: { readonly directory: string }, archive: string): Promise<void> {
  const file = join(model.directory, hostedFileNames.containerConfig);
  const config = parse(await readFile(file, 'utf8')) as object;
  await writeFile(file, stringify({ ...config, container_type: 'DockerArchive', image: archive }, { lineWidth: 0 }));
}
