import type { Digest } from '../contract';
import { ContentFailure } from '../store/failures';
import type { Store } from '../store/store';
import { knownSource } from './content-sources';
import type { Fetching } from './fetch-blob';
import { fetchCube } from './fetch-cube';
import { fetchDemoData } from './fetch-demo-data';

export interface NeededContents {
  readonly trees?: readonly Digest[];
  readonly blobs?: readonly Digest[];
}

/**
 * Fetches again what was fetched once and is missing or damaged now; offline where it was wanted so then. What was never
 * fetched is passed by: whoever needs it finds out.
 */
export async function repairContents(
  fetching: Omit<Fetching, 'offline'>,
  { trees = [], blobs = [] }: NeededContents,
): Promise<void> {
  const { store, signal } = fetching;
  for (const tree of trees) await repair(fetching, tree, () => store.isWhole(tree));
  for (const blob of blobs) await repair(fetching, blob, () => isUndamaged(store, blob, signal));
}

async function repair(
  place: Omit<Fetching, 'offline'>,
  content: Digest,
  isSound: () => Promise<boolean>,
): Promise<void> {
  const { store } = place;
  const source = await knownSource(store, content);
  if (source === null || (await isSound())) return;
  const { offline } = source;
  if (source.kind === 'demo-data') await fetchDemoData({ ...place, offline }, source);
  else await fetchCube(place, { cube: source.cube, tasks: [], offline });
}

async function isUndamaged(store: Store, blob: Digest, signal: AbortSignal): Promise<boolean> {
  try {
    await store.check(blob, { signal });
    return true;
  } catch (error) {
    if (error instanceof ContentFailure) return false;
    throw error;
  }
}
