import { hostedFileNames } from '../contract';
import type { Finding } from '../contract';
import { Complaints, quote } from './complaints';
import { readContainerTasks } from './container-task-section';
import type { ContainerTaskSection } from './container-task-section';
import type { OwnVolume } from './container-volumes';
import { isNull } from './field-reading';
import { refuseErrors } from './manifest';
import { plainMapping } from './plain-yaml';
import { readYamlMapping } from './yaml-document';
import type { YamlEntry } from './yaml-document';

/** What a container_config says (reference: medperf.md, 8). */
export interface ContainerDefinition {
  /** Name of the file, for findings. */
  readonly file: string;
  /** False when the text is no YAML mapping at all; everything else is then empty. */
  readonly readable: boolean;
  /** Null for a kind that cannot run here, which is a finding. */
  readonly kind: 'image' | 'archive' | null;
  /** The image's name, or the URL of its archive; empty where a finding says that it is none. */
  readonly image: string;
  readonly imageLine: number | null;
  readonly tasks: Readonly<Record<string, ContainerTaskSection>>;
}

export interface ParsedContainerDefinition {
  readonly definition: ContainerDefinition;
  readonly findings: readonly Finding[];
}

const KINDS = new Map<string, 'image' | 'archive'>([
  ['DockerImage', 'image'],
  ['DockerArchive', 'archive'],
]);
/** The other kinds that MedPerf knows. */
const NOT_HERE = new Map([
  ['EncryptedDockerArchive', 'encrypted archives'],
  ['SingularityFile', 'images of Singularity'],
  ['EncryptedSingularityFile', 'encrypted images of Singularity'],
]);
const IMAGE_NAME = /^[A-Za-z0-9][\w./:@-]{0,511}$/;
const RESOURCE = /^(?:direct:)?https?:\/\/\S+$/i;

/** Reads a container_config and reports everything that is wrong with it; never throws for bad content. */
export function parseContainerDefinition(
  text: string,
  file: string = hostedFileNames.containerConfig,
): ParsedContainerDefinition {
  const complaints = new Complaints(file);
  const root = readYamlMapping(text, complaints);
  const { findings } = complaints;
  if (root === null)
    return { definition: { file, readable: false, kind: null, image: '', imageLine: null, tasks: {} }, findings };
  // The server keeps it as JSON.
  plainMapping(root, complaints);
  const { entries } = root;
  const kind = readKind(entries.get('container_type'), complaints);
  return {
    definition: {
      file,
      readable: true,
      kind,
      image: readImage(entries.get('image'), kind, complaints.under('image-name')),
      imageLine: entries.get('image')?.line ?? null,
      tasks: readContainerTasks(entries.get('tasks'), { root, complaints }),
    },
    findings,
  };
}

/**
 * Reads a container_config that has to be usable.
 * @throws MedperfError `InvalidManifest` with every finding when one of them is an error.
 */
export function requireContainerDefinition(
  text: string,
  file: string = hostedFileNames.containerConfig,
): ContainerDefinition {
  const { definition, findings } = parseContainerDefinition(text, file);
  refuseErrors(`The configuration ${file} cannot be used.`, findings);
  return definition;
}

/** Whether any task reads what the cube itself may bring. */
export function readsOwnVolume({ tasks }: ContainerDefinition, volume: OwnVolume): boolean {
  return Object.values(tasks).some(({ inputs }) => inputs.some(({ name }) => name === volume));
}

function readKind(entry: YamlEntry | undefined, complaints: Complaints): ContainerDefinition['kind'] {
  const known = [...KINDS.keys()].join(' or ');
  if (entry === undefined || isNull(entry)) {
    complaints.error(entry?.line, 'container_type is missing', `write ${known}`);
    return null;
  }
  const written = plainText(entry) ?? '';
  const kind = KINDS.get(written);
  if (kind !== undefined) return kind;
  const other = NOT_HERE.get(written);
  if (other === undefined) complaints.error(entry.line, `container_type is ${quote(written)}`, `write ${known}`);
  else {
    const fix = `write ${known}, or run it with MedPerf's own client`;
    complaints.error(entry.line, `${other} (${written}) are not run here`, fix);
  }
  return null;
}

function readImage(entry: YamlEntry | undefined, kind: ContainerDefinition['kind'], complaints: Complaints): string {
  const image = entry === undefined ? undefined : plainText(entry);
  if (entry === undefined || image === undefined || image === '') {
    complaints.error(entry?.line, 'image is missing', 'name the image, or the URL of its archive');
    return '';
  }
  if (kind === 'image' && !IMAGE_NAME.test(image)) {
    complaints.error(entry.line, `image ${quote(image)} names no image`, 'write it as name:tag');
    return '';
  }
  if (kind === 'archive' && !RESOURCE.test(image)) {
    const what = image.startsWith('synapse:') ? 'files of Synapse are not supported yet' : `${quote(image)} is no URL`;
    complaints.error(entry.line, `image: ${what}`, 'host the archive and write direct:https://…');
    return '';
  }
  return image;
}

function plainText({ value }: YamlEntry): string | undefined {
  return value.kind === 'scalar' && typeof value.value === 'string' ? value.value : undefined;
}
