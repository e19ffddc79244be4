import { hostedFileNames, MedperfError } from '../contract';
import type { Digest } from '../contract';
import { requireManifest } from '../mlcube/manifest';
import type { Store, TreeEntry } from '../store/store';
import { descriptionText } from './cube-files';

/** An mlcube's tree; the same whether its parts come from a folder or from where they are hosted. */
export async function mlcubeTree(
  store: Store,
  manifest: TreeEntry,
  workspace: Readonly<Record<string, TreeEntry>>,
): Promise<Digest> {
  const { digest } = await store.composeTree(workspace);
  const cube = await store.composeTree({
    [hostedFileNames.manifest]: manifest.kind === 'file' ? { ...manifest, executable: false } : manifest,
    workspace: { kind: 'directory', digest },
  });
  return cube.digest;
}

/** @throws MedperfError `InvalidManifest` for a manifest that cannot be used or names no image. */
export async function mlcubeImageName(store: Store, manifest: Digest, name: string): Promise<string> {
  const { docker } = requireManifest(await descriptionText(store, manifest));
  if (docker?.image !== undefined) return docker.image;
  throw new MedperfError('InvalidManifest', {
    what: `The manifest of ${name} names no Docker image.`,
    expected: 'docker.image in mlcube.yaml',
    next: 'add it; cubes for Singularity alone cannot run here.',
  });
}
