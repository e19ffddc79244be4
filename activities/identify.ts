import type { CubeRef, FilesRef, Identified, IdentifiedCube, IdentifyInput, Task } from '../contract';
import type { Registry } from '../registry/registry';
import type { Store } from '../store/store';
import { ranBefore } from './action-history';
import { checkKnownTasks } from './check-tasks';
import { cubeRecord } from './cube-record';
import { localCube } from './folder-cube';
import { knownCube, knownImageId } from './known-cubes';
import { knownDemoData } from './known-data';

export interface Identification {
  readonly store: Store;
  readonly openRegistry: (profile: string) => Promise<Registry>;
  /** Whose results the profile's user may reuse; see `TestSettings`. */
  readonly scopeOf: (profile: string) => Promise<string | null>;
  readonly signal: AbortSignal;
}

/**
 * Finds out what a test is about from records alone: no file, archive or image is fetched. Of cubes whose files are here it
 * also says when one lacks what the test runs of it.
 */
export async function identify(
  { store, openRegistry, scopeOf, signal }: Identification,
  { profile, format, cubes, demoData, offline }: IdentifyInput,
): Promise<Identified> {
  const entries = await Promise.all(
    Object.entries(cubes).map(async ([role, { ref, tasks }]): Promise<[string, IdentifiedCube]> => {
      return [role, await identifyCube(store, await filesOf(ref), tasks)];
    }),
  );
  return {
    cubes: Object.fromEntries(entries),
    demoData: demoData === null ? null : await knownDemoData(store, demoData),
    scope: await scopeOf(profile),
  };

  async function filesOf(cube: CubeRef): Promise<FilesRef> {
    if (cube.kind === 'local') return { ...cube, format };
    return cubeRecord(store, await openRegistry(profile), cube, offline, signal);
  }
}

async function identifyCube(store: Store, ref: FilesRef, tasks: readonly Task[]): Promise<IdentifiedCube> {
  const known = ref.kind === 'local' ? await localCube(store, ref, ref.format) : await knownCube(store, ref);
  if (known === null) return { ref, tasks, known, imageId: null, ranBefore: false };
  await checkKnownTasks(store, known, tasks);
  const imageId = await knownImageId(store, known.image);
  return { ref, tasks, known, imageId, ranBefore: await ranBefore(store, known.tree) };
}
