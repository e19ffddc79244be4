import type { CubeType } from '../contract';
import type { Manifest } from './manifest';

const MARKING_TASK: Readonly<Record<CubeType, string>> = {
  'data-preparator': 'prepare',
  model: 'infer',
  metrics: 'evaluate',
};

/** What a cube is by its tasks; null when it has none of the marking ones, or several. */
export function cubeType({ tasks }: Pick<Manifest, 'tasks'>): CubeType | null {
  const types = (Object.keys(MARKING_TASK) as CubeType[]).filter((type) => Object.hasOwn(tasks, MARKING_TASK[type]));
  return types.length === 1 ? (types[0] ?? null) : null;
}
