import type { RegisterCubeInput, RegisterCubeResult } from '../contract';
import type { Registry } from '../registry/registry';
import type { Store } from '../store/store';
import { sha1Hashes } from './promised-hashes';

/** Registers the cube once, even when an answer of the registry is lost. */
export async function registerCube(
  { store, registry }: { store: Store; registry: Registry },
  { name, urls, hashes, operational }: RegisterCubeInput,
  signal: AbortSignal,
): Promise<RegisterCubeResult> {
  const state = operational ? 'OPERATION' : 'DEVELOPMENT';
  const recorded = registry.dialect === 'E23' ? await sha1Hashes(store, hashes) : hashes;
  const { record, adopted } = await registry.registerCube({ name, urls, hashes: recorded, state }, signal);
  return { uid: record.uid, name: record.name, adopted };
}
