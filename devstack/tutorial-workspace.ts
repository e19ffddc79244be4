import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { PACKAGE_ROOT } from './package-root';

/** The tutorial user's own model. */
export const TUTORIAL_MODEL = 'chestxray_mlp';

/**
 * What the tutorial's set-up script does: writes the model that its user takes through MedPerf below `directory`
 * (`medperf_tutorial` in the tutorial's own lines).
 * @returns the cube's folder, which holds `mlcube.yaml`.
 */
export async function writeTutorialWorkspace(directory: string): Promise<{ directory: string }> {
  const target = join(directory, TUTORIAL_MODEL);
  await cp(join(PACKAGE_ROOT, 'examples', 'cubes', TUTORIAL_MODEL), target, { recursive: true });
  return { directory: join(target, 'mlcube') };
}
