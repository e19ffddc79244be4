import { CUBE_TYPES } from '../contract';
import type { CubeType } from '../contract';
import type { Manifest } from './manifest';
import { TYPE_TASKS } from './task-contract';

/** The one type whose tasks the manifest has; null when there is none or more than one. */
export function cubeType(manifest: Manifest): CubeType | null {
  const fitting = CUBE_TYPES.filter((type) => TYPE_TASKS[type].every((task) => Object.hasOwn(manifest.tasks, task)));
  return fitting.length === 1 ? (fitting[0] ?? null) : null;
}
