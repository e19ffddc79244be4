import { hostedFileNames, MedperfError } from '../contract';
import type { Cube, CubeFormat, CubeImage, Digest, JsonValue } from '../contract';
import { plainYaml } from '../mlcube/plain-yaml';
import { toContainerConfig } from '../mlcube/container-config';
import { readsOwnVolume, requireContainerDefinition } from '../mlcube/container-definition';
import { refuseErrors, requireManifest } from '../mlcube/manifest';
import { acceptedFormats, DESCRIPTIONS } from '../mlcube/written-cube';
import type { Store, TreeEntry } from '../store/store';
import { containerTree } from './container-tree';
import { descriptionText, parametersText } from './cube-files';
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
 * @param wanted as in {@link acceptedFormats}.
 */
export async function readFolderCube(store: Store, folder: Folder, wanted: CubeFormat | null): Promise<FolderCube> {
  const described = await describedBy(store, folder.tree, wanted);
  if (described === null) throw noCube(folder, wanted);
  const { format, entry } = described;
  if (format === 'container') return containerOf(store, folder, await descriptionText(store, entry.digest));
  if (wanted === 'container')
    return containerOf(store, folder, await descriptionText(store, entry.digest), 'converted');
  return mlcubeOf(store, folder, entry);
}

/** The file that describes a folder's cube; null where there is none of an accepted format. */
export async function describedBy(
  store: Store,
  tree: Digest,
  wanted: CubeFormat | null,
): Promise<{ readonly format: CubeFormat; readonly entry: TreeEntry } | null> {
  for (const format of acceptedFormats(wanted)) {
    const entry = await store.lookUp(tree, DESCRIPTIONS[format]);
    if (entry?.kind === 'file') return { format, entry };
  }
  return null;
}

function noCube({ label }: Folder, wanted: CubeFormat | null): MedperfError {
  return new MedperfError('InvalidManifest', {
    what: `The folder ${label} is no cube${wanted === 'mlcube' ? ' for a server of the MLCube generations' : ''}.`,
    expected: `a file ${wanted === 'mlcube' ? DESCRIPTIONS.mlcube : 'mlcube.yaml or container_config.yaml'} in it`,
    found: 'none',
    next: 'name the folder that holds it, or the file itself.',
  });
}

/** Null where only a download of the image's archive tells what the image is. */
export async function localCube(store: Store, folder: Folder, wanted: CubeFormat | null): Promise<Cube | null> {
  const { tree, image, imageKind } = await readFolderCube(store, folder, wanted);
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
        ? plainYaml(await parametersText(store, parameters.digest), hostedFileNames.parameters)
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
