import { chmod, lstat, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hostedFileNames, MedperfError } from '../contract';
import type { BlobRef, PackagedCube } from '../contract';
import type { Store } from '../store/store';

/** Name of the folder that the tutorial's packaging makes beside the manifest. */
export const DEPLOY = 'deploy';
const OURS = new Set<string>(Object.values(hostedFileNames));

/** The packaged files by name. */
export function deployedFiles(packaged: PackagedCube): Readonly<Record<string, BlobRef>> {
  const { format, manifest, parameters, additionalFiles } = packaged;
  return {
    [format === 'mlcube' ? hostedFileNames.manifest : hostedFileNames.containerConfig]: manifest,
    ...(parameters === null ? {} : { [hostedFileNames.parameters]: parameters }),
    ...(additionalFiles === null ? {} : { [hostedFileNames.additionalFiles]: additionalFiles }),
  };
}

/**
 * Writes the files to host into `target`, all or none; an older folder of ours is replaced.
 * @throws MedperfError `InvalidRequest` when the folder holds something else.
 */
export async function writeDeployFolder(store: Store, packaged: PackagedCube, target: string): Promise<void> {
  await refuseForeign(target);
  const made = await mkdtemp(join(dirname(target), '.deploy-'));
  try {
    for (const [name, { digest }] of Object.entries(deployedFiles(packaged))) {
      await store.materialiseFile(digest, join(made, name), 'copy');
    }
    // A web server run by another user may publish it.
    await chmod(made, 0o755);
    await rm(target, { recursive: true, force: true });
    await rename(made, target);
  } catch (error) {
    await rm(made, { recursive: true, force: true });
    throw error;
  }
}

async function refuseForeign(target: string): Promise<void> {
  const found = await lstat(target).catch(() => null);
  if (found === null) return;
  const others = found.isDirectory() ? (await readdir(target)).filter((name) => !OURS.has(name)) : ['a file'];
  if (others.length === 0) return;
  throw new MedperfError('InvalidRequest', {
    what: `${target} holds something else than packaged files, so it is not replaced.`,
    expected: `no such folder, or only ${[...OURS].join(', ')} in it`,
    found: others.slice(0, 5).join(', '),
    next: 'move it away, or choose another folder with --output.',
  });
}
