import { CUBE_TYPES } from '../contract';
import type { CubeType } from '../contract';
import { TYPE_TASKS } from './task-contract';

/** The one type whose tasks are there; null when there is none or more than one. */
export function cubeType({ tasks }: { readonly tasks: Readonly<Record<string, unknown>> }): CubeType | null {
  const fitting = CUBE_TYPES.filter((type) => TYPE_TASKS[type].every((task) => Object.hasOwn(tasks, task)));
  return fitting.length === 1 ? (fitting[0] ?? null) : null;
}
