import { hostedFileNames, MedperfError } from '../contract';
import type { Finding } from '../contract';
import { Complaints } from './complaints';
import { readDockerSection } from './docker-section';
import type { DockerSection } from './docker-section';
import { isNull, readSection } from './field-reading';
import type { ManifestReading } from './field-reading';
import { readTasks } from './task-section';
import type { TaskSection } from './task-section';
import { readYamlMapping } from './yaml-document';
import type { YamlEntry } from './yaml-document';

/** What an mlcube.yaml says, defaults filled in (reference: mlcube.md, parts 2 and 3). Lines count from 1. */
export interface Manifest {
  /** Name of the file, for findings. */
  readonly file: string;
  /** False when the text is no YAML mapping at all; everything else is then empty. */
  readonly readable: boolean;
  readonly name?: string;
  readonly description?: string;
  readonly accelerators: { readonly count: number; readonly line?: number };
  readonly docker?: DockerSection;
  readonly singularity?: { readonly image: string; readonly line: number };
  readonly tasks: Readonly<Record<string, TaskSection>>;
}

export interface ParsedManifest {
  readonly manifest: Manifest;
  readonly findings: readonly Finding[];
}

/** Reads a manifest and reports everything that is wrong with it; never throws for bad content. */
export function parseManifest(text: string, file: string = hostedFileNames.manifest): ParsedManifest {
  const complaints = new Complaints(file);
  const root = readYamlMapping(text, complaints);
  const { findings } = complaints;
  if (root === null) return { manifest: { file, readable: false, accelerators: { count: 0 }, tasks: {} }, findings };

  const reading: ManifestReading = { root, complaints };
  const name = plainText(root.entries.get('name'));
  const description = plainText(root.entries.get('description'));
  const docker = readDockerSection(root.entries.get('docker'), reading);
  const singularity = readSingularity(root.entries.get('singularity'), reading);
  const manifest: Manifest = {
    file,
    readable: true,
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    accelerators: readAccelerators(root.entries.get('platform'), reading),
    ...(docker === undefined ? {} : { docker }),
    ...(singularity === undefined ? {} : { singularity }),
    tasks: readTasks(root.entries.get('tasks'), reading),
  };
  return { manifest, findings };
}

/**
 * Reads a manifest that has to be usable.
 * @throws MedperfError `InvalidManifest` with every finding when one of them is an error.
 */
export function requireManifest(text: string, file: string = hostedFileNames.manifest): Manifest {
  const { manifest, findings } = parseManifest(text, file);
  refuseErrors(`The manifest ${file} cannot be used.`, findings);
  return manifest;
}

/** @throws MedperfError `InvalidManifest` with every finding when one of them is an error. */
export function refuseErrors(what: string, findings: readonly Finding[]): void {
  if (!findings.some(({ severity }) => severity === 'error')) return;
  throw new MedperfError('InvalidManifest', { what, findings, next: 'mend each line above and try again.' });
}

/** Text for people only: whatever else stands there is left out. */
function plainText(entry: YamlEntry | undefined): string | undefined {
  return entry?.value.kind === 'scalar' && typeof entry.value.value === 'string' ? entry.value.value : undefined;
}

function readAccelerators(platform: YamlEntry | undefined, reading: ManifestReading): Manifest['accelerators'] {
  const entry = readSection(platform, 'platform', reading).entries.get('accelerator_count');
  if (entry === undefined || isNull(entry)) return { count: 0 };
  const count = entry.value.kind === 'scalar' ? entry.value.value : null;
  if (typeof count === 'number' && Number.isSafeInteger(count)) return { count: Math.max(count, 0), line: entry.line };
  reading.complaints.error(
    entry.line,
    'platform.accelerator_count is no whole number',
    'write a number, without quotes',
  );
  return { count: 0 };
}

function readSingularity(section: YamlEntry | undefined, reading: ManifestReading): Manifest['singularity'] {
  const entry = readSection(section, 'singularity', reading).entries.get('image');
  const image = plainText(entry);
  return entry === undefined || image === undefined ? undefined : { image, line: entry.line };
}
