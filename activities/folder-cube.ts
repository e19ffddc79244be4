import { hostedFileNames, MedperfError } from '../contract';
import type { Cube, CubeFormat, CubeImage, Digest, JsonValue } from '../contract';
import { plainYaml } from '../mlcube/plain-yaml';
import { toContainerConfig } from '../mlcube/container-config';
import { readsOwnVolume, requireContainerDefinition } from '../mlcube/container-definition';
import { refuseErrors, requireManifest } from '../mlcube/manifest';
import type { Store, TreeEntry } from '../store/store';
import { containerTree } from './container-tree';
import { MANIFEST_BYTES, PARAMETERS_BYTES } from './cube-files';
import { mlcubeImageName, mlcubeTree } from './mlcube-tree';

/** A cube as a folder describes it; an archive of its image is not in the store yet. */
export interface FolderCube {
  readonly format: CubeFormat;
  readonly tree: Digest;
  /** The image's name, or the URL of its archive. */
  readonly image: string;
  readonly imageKind: 'image' | 'archive';
}

interface Folder {
  readonly tree: Digest;
  readonly label: string;
}

/**
 * A folder's cube, cut down to what travels with it: the same bytes then have the same tree before and after hosting, and the
 * test tells before the data owner does when a cube leans on something else.
 * @param format how it is to be described: an mlcube.yaml is converted where it has to be. Null takes what the folder has.
 */
export async function readFolderCube(store: Store, folder: Folder, format: CubeFormat | null): Promise<FolderCube> {
  const manifest = await store.lookUp(folder.tree, hostedFileNames.manifest);
  const config = await store.lookUp(folder.tree, hostedFileNames.containerConfig);
  if (format !== 'container' && manifest?.kind === 'file') return mlcubeOf(store, folder, manifest);
  if (format !== 'mlcube' && config?.kind === 'file') return containerOf(store, folder, await textOf(store, config));
  if (format === 'container' && manifest?.kind === 'file')
    return containerOf(store, folder, await textOf(store, manifest), 'converted');
  const expected = format === 'mlcube' ? hostedFileNames.manifest : 'mlcube.yaml or container_config.yaml';
  throw new MedperfError('InvalidManifest', {
    what: `The folder ${folder.label} is no cube${format === 'mlcube' ? ' for a server of the MLCube generations' : ''}.`,
    expected: `a file ${expected} in it`,
    found: 'none',
    next: 'name the folder that holds it, or the file itself.',
  });
}

/** Null where only a download of the image's archive tells what the image is. */
export async function localCube(store: Store, folder: Folder, format: CubeFormat | null): Promise<Cube | null> {
  const { tree, image, imageKind } = await readFolderCube(store, folder, format);
  return imageKind === 'archive' ? null : folderCube(folder, tree, { reference: image, expectedId: null });
}

export function folderCube({ label }: Folder, tree: Digest, image: CubeImage): Cube {
  return { name: label, uid: null, tree, image };
}

async function mlcubeOf(store: Store, { tree, label }: Folder, manifest: TreeEntry): Promise<FolderCube> {
  const workspace: Record<string, TreeEntry> = {};
  for (const name of [hostedFileNames.parameters, 'additional_files']) {
    const entry = await store.lookUp(tree, `workspace/${name}`);
    if (entry !== null) workspace[name] = entry;
  }
  return {
    format: 'mlcube',
    tree: await mlcubeTree(store, manifest, workspace),
    image: await mlcubeImageName(store, manifest.digest, label),
    imageKind: 'image',
  };
}

async function containerOf(
  store: Store,
  { tree }: Folder,
  text: string,
  origin: 'written' | 'converted' = 'written',
): Promise<FolderCube> {
  const config = origin === 'written' ? plainYaml(text, hostedFileNames.containerConfig) : converted(text);
  const definition = requireContainerDefinition(origin === 'written' ? text : JSON.stringify(config));
  if (definition.kind === null) throw new TypeError('a configuration without a kind passed as usable');
  const parameters = await store.lookUp(tree, `workspace/${hostedFileNames.parameters}`);
  const additional = await store.lookUp(tree, 'workspace/additional_files');
  const parts = {
    config,
    parameters:
      parameters?.kind === 'file' && readsOwnVolume(definition, 'parameters_file')
        ? plainYaml(await textOf(store, parameters, PARAMETERS_BYTES), hostedFileNames.parameters)
        : null,
    additionalFiles:
      additional?.kind === 'directory' && readsOwnVolume(definition, 'additional_files') ? additional.digest : null,
  };
  return {
    format: 'container',
    tree: await containerTree(store, parts),
    image: definition.image,
    imageKind: definition.kind,
  };
}

function converted(text: string): JsonValue {
  const { config, findings } = toContainerConfig(requireManifest(text));
  refuseErrors("The cube cannot be run by today's MedPerf.", findings);
  return JSON.parse(JSON.stringify(config)) as JsonValue;
}

async function textOf(store: Store, { digest }: TreeEntry, longest = MANIFEST_BYTES): Promise<string> {
  return (await store.readBytes(digest, longest)).toString('utf8');
}
