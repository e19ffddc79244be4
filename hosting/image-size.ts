import { parseImageReference } from '../contract';
import { ImageRegistryFailure } from './image-registry-failures';
import type { ImageRegistries } from './oci-registry';

/** How long a pull waits to hear what it will bring. */
const PATIENCE_MS = 10_000;

/** Bytes that a pull of the image transfers, for an architecture in Go's words; null where its registry does not tell. */
export async function transferBytesOf(
  registries: ImageRegistries,
  name: string,
  architecture: string,
  signal: AbortSignal,
): Promise<number | null> {
  const reference = parseImageReference(name);
  if (reference === null) return null;
  const patience = AbortSignal.timeout(PATIENCE_MS);
  try {
    const { transferBytes } = await registries.describe(reference, architecture, AbortSignal.any([signal, patience]));
    return transferBytes;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ImageRegistryFailure || patience.aborted) return null;
    throw error;
  }
}
