import { hostedFileNames, MedperfError } from '../contract';
import type { BlobRef, CubeFormat, CubeType, Digest, Finding, PackageCubeInput, PackagedCube } from '../contract';
import type { CubeFiles } from '../mlcube/packaging-checks';
import { DESCRIPTIONS, judgeWrittenCube, keepsParameters } from '../mlcube/written-cube';
import type { JudgedCube } from '../mlcube/written-cube';
import { packArchive } from '../store/archive';
import type { Store, TreeEntry } from '../store/store';
import { descriptionText, parametersText } from './cube-files';
import { describedBy, readFolderCube } from './folder-cube';

const PARAMETERS = `workspace/${hostedFileNames.parameters}`;

/** Checks a cube as MedPerf does, every finding at once, and prepares the files to host separately. */
export async function packageCube(
  store: Store,
  { tree, label, type: asked, format }: PackageCubeInput,
  signal: AbortSignal,
): Promise<PackagedCube> {
  const files = await cubeFiles(store, tree);
  const judged = await judge(store, { tree, format }, asked, files);
  refuseErrors(label, judged.findings);
  const cube = await readFolderCube(store, { tree, label }, format);
  const manifest = blobOf(await store.lookUp(cube.tree, DESCRIPTIONS[cube.format]));
  if (judged.type === null || manifest === null) throw new TypeError('the checks let an incomplete cube pass');
  const additional = await store.lookUp(cube.tree, 'workspace/additional_files');
  return {
    label,
    type: judged.type,
    format: cube.format,
    manifest,
    parameters: blobOf(await store.lookUp(cube.tree, PARAMETERS)),
    additionalFiles: await archive(store, additional, files, signal),
    image: cube.image,
    findings: judged.findings,
  };
}

/** What is written in the folder is judged, by its own lines; no finding where nothing describes a cube. */
async function judge(
  store: Store,
  { tree, format: wanted }: { readonly tree: Digest; readonly format: CubeFormat | null },
  type: CubeType | undefined,
  files: CubeFiles,
): Promise<Pick<JudgedCube, 'type' | 'findings'>> {
  const described = await describedBy(store, tree, wanted);
  if (described === null) return { type: null, findings: [] };
  const { format, entry } = described;
  const text = await descriptionText(store, entry.digest);
  const parameters = keepsParameters({ format, wanted }) ? await parametersIn(store, tree) : null;
  return judgeWrittenCube({ format, wanted, text, parameters, files, ...(type === undefined ? {} : { type }) });
}

async function parametersIn(store: Store, tree: Digest): Promise<string | null> {
  const entry = await store.lookUp(tree, PARAMETERS);
  return entry?.kind === 'file' ? parametersText(store, entry.digest) : null;
}

async function cubeFiles(store: Store, tree: Digest): Promise<CubeFiles> {
  const parameters = await store.lookUp(tree, PARAMETERS);
  const additional = await store.lookUp(tree, 'workspace/additional_files');
  return {
    hasParameters: parameters?.kind === 'file',
    additionalFiles: additional?.kind === 'directory' ? await filePaths(store, additional.digest) : [],
  };
}

async function archive(
  store: Store,
  additional: TreeEntry | null,
  { additionalFiles }: CubeFiles,
  signal: AbortSignal,
): Promise<BlobRef | null> {
  return additional === null || additionalFiles.length === 0 ? null : packArchive(store, additional.digest, signal);
}

function blobOf(entry: TreeEntry | null): BlobRef | null {
  return entry?.kind === 'file' ? { digest: entry.digest, size: entry.size } : null;
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
