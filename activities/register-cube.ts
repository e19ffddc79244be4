import type { RegisterCubeInput, RegisterCubeResult } from '../contract';
import type { Registry } from '../registry/registry';

/** Registers the cube once, even when an answer of the registry is lost. */
export async function registerCube(
  registry: Registry,
  { name, urls, hashes, operational }: RegisterCubeInput,
  signal: AbortSignal,
): Promise<RegisterCubeResult> {
  const state = operational ? 'OPERATION' : 'DEVELOPMENT';
  const { record, adopted } = await registry.registerCube({ name, urls, hashes, state }, signal);
  return { uid: record.uid, name: record.name, adopted };
}
