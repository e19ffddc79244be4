import { hostedFileNames, MedperfError } from '../contract';
import type { BlobRef, Digest, Finding, PackageCubeInput, PackagedCube } from '../contract';
import { cubeType } from '../mlcube/cube-type';
import { parseManifest } from '../mlcube/manifest';
import { checkForPackaging } from '../mlcube/packaging-checks';
import { packArchive } from '../store/archive';
import type { Store, TreeEntry } from '../store/store';

const MANIFEST_BYTES = 1024 * 1024;

/** Checks a cube as MedPerf's packaging does, every finding at once, and prepares the files to host separately. */
export async function packageCube(
  store: Store,
  { tree, label, type: asked }: PackageCubeInput,
  signal: AbortSignal,
): Promise<PackagedCube> {
  const manifestFile = await requireFile(store, tree, hostedFileNames.manifest, label);
  const { manifest, findings: complaints } = parseManifest(
    (await store.readBytes(manifestFile.digest, MANIFEST_BYTES)).toString('utf8'),
  );
  const parameters = await store.lookUp(tree, `workspace/${hostedFileNames.parameters}`);
  const additional = await store.lookUp(tree, 'workspace/additional_files');
  const additionalFiles = additional?.kind === 'directory' ? await filePaths(store, additional.digest) : [];
  const type = asked ?? cubeType(manifest);
  const findings = [
    ...complaints,
    ...checkForPackaging(manifest, type, { hasParameters: parameters?.kind === 'file', additionalFiles }),
  ];
  refuseErrors(label, findings);
  if (type === null || manifest.docker?.image === undefined)
    throw new TypeError('the checks let an incomplete manifest pass');
  return {
    label,
    type,
    manifest: manifestFile,
    parameters: parameters?.kind === 'file' ? { digest: parameters.digest, size: parameters.size } : null,
    additionalFiles: await archive(store, additional, additionalFiles.length, signal),
    image: manifest.docker.image,
    findings,
  };
}

async function archive(
  store: Store,
  additional: TreeEntry | null,
  files: number,
  signal: AbortSignal,
): Promise<BlobRef | null> {
  return additional === null || files === 0 ? null : packArchive(store, additional.digest, signal);
}

async function requireFile(store: Store, tree: Digest, path: string, label: string): Promise<BlobRef> {
  const entry = await store.lookUp(tree, path);
  if (entry?.kind === 'file') return { digest: entry.digest, size: entry.size };
  throw new MedperfError('InvalidManifest', {
    what: `The folder ${label} is no cube.`,
    expected: `a file ${path} in it`,
    found: 'none',
    next: 'name the folder that holds mlcube.yaml.',
  });
}

function refuseErrors(label: string, findings: readonly Finding[]): void {
  const errors = findings.filter(({ severity }) => severity === 'error');
  if (errors.length === 0) return;
  throw new MedperfError('InvalidManifest', {
    what: `The cube ${label} cannot be packaged: ${errors.length} error(s).`,
    findings,
    next: 'mend each line above and package again.',
  });
}

async function filePaths(store: Store, tree: Digest, prefix = ''): Promise<string[]> {
  const paths: string[] = [];
  for (const [name, entry] of Object.entries(await store.listDirectory(tree))) {
    if (entry.kind === 'file') paths.push(prefix + name);
    else paths.push(...(await filePaths(store, entry.digest, `${prefix}${name}/`)));
  }
  return paths;
}
