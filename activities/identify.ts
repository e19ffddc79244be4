import type { CubeRef, FilesRef, Identified, IdentifiedCube, IdentifyInput } from '../contract';
import type { Registry } from '../registry/registry';
import type { Store } from '../store/store';
import { ranBefore } from './action-history';
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

/** Finds out what a test is about from records alone: no file, archive or image is fetched. */
export async function identify(
  { store, openRegistry, scopeOf, signal }: Identification,
  { profile, format, cubes, demoData, offline }: IdentifyInput,
): Promise<Identified> {
  const entries = await Promise.all(
    Object.entries(cubes).map(async ([role, cube]): Promise<[string, IdentifiedCube]> => {
      const ref = await filesOf(cube);
      return [role, await identifyCube(store, ref)];
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

async function identifyCube(store: Store, ref: FilesRef): Promise<IdentifiedCube> {
  const known = ref.kind === 'local' ? await localCube(store, ref, ref.format) : await knownCube(store, ref);
  if (known === null) return { ref, known, imageId: null, ranBefore: false };
  const imageId = await knownImageId(store, known.image);
  return { ref, known, imageId, ranBefore: await ranBefore(store, known.tree) };
}
